"""What applies to a running case: its own procedures, words and values, within the limits and modes of what is live."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_release_diff import FILES

from caseworker.app.playbooks import worker_name
from caseworker.app.releases import write_folder
from caseworker.cases.model import ActiveRow, ActState, Case, RequestState
from caseworker.cases.release import Release, repinned, with_live
from caseworker.cli.playbooks import offline
from caseworker.core.errors import PlaybookError, UsageError
from caseworker.core.money import Money
from caseworker.guard.judge import judge
from caseworker.sop.load import read_folder, release_of

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


def release(**changes: tuple[str, str]) -> Release:
    files = dict(FILES)
    for stem, (old, new) in changes.items():
        [path] = [p for p in FILES if p.endswith(f"{stem}.yaml")]
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    return offline().assemble(files)


PINNED = release()


def test_procedures_and_values_are_pinned_and_modes_and_limits_are_those_of_today() -> None:
    live = release(
        worker=("mode: live", 'mode: draft\nintent_modes: {return_item: shadow}\norder_numbers: ["NW-####"]'),
        parameters=("[30,", "[60,"),
        guardrails=('["150.00 EUR"]', '["90.00 EUR"]'),
    )
    applies = with_live(PINNED, live)
    assert applies.playbook.release == PINNED.playbook.release
    assert applies.playbook.parameters == PINNED.playbook.parameters
    assert (applies.mode_of("return_item"), applies.mode_of("other")) == ("shadow", "draft")
    assert applies.playbook.worker.order_numbers == ("NW-####",)
    for amount, decision in ((9000, "allowed"), (9001, "needs_approval")):
        verdict = judge(applies.guardrails, "payments.refund", moves_money=True, amount=Money(amount, "EUR"))
        assert verdict.decision == decision
    assert with_live(live, live) is live


def test_a_queue_that_is_not_there_any_more_is_the_default_one() -> None:
    escalating = release(**{"return": ("queue: returns", "queue: finance")})
    live = release(
        routing=("{general: {title: General}, finance: {title: Money}}", "{general: {title: General}}"),
        guardrails=(", queue: finance", ""),
    )
    rows = with_live(escalating, live).playbook.procedures["return"].rows
    assert [row.escalate_queue for row in rows if row.escalate_queue] == ["general"]
    assert with_live(escalating, PINNED).playbook.procedures == escalating.playbook.procedures


def case_with(row: ActiveRow | None) -> Case:
    request = RequestState(
        1, "return_item", 0.9, "", status="acting", active=row, fired=("x",), done={"rma": {"status": "done"}}
    )
    return Case(
        number=1, worker="retail", mailbox="m@x.example", shop="base", release="old", status="waiting", opened_at=AT,
        requests=(request,),
    )  # fmt: skip


def row_under_way(reply: str, meanwhile: str = "") -> ActiveRow:
    act = ActState("rma", "returns.create", {}, status="asked")
    return ActiveRow("accept", (act,), ({"move": "say", "reply": reply}, {"move": "resolve", "outcome": "resolved"}), meanwhile)


def test_a_row_under_way_ends_as_it_was_decided() -> None:
    case = case_with(row_under_way("return_label"))
    moved, [entry] = repinned(case, PINNED)
    assert moved == replace(case, release=PINNED.playbook.release)
    assert entry.kind == "release_changed"
    assert (entry.data["before"], entry.data["after"]) == ("old", PINNED.playbook.release)
    assert repinned(moved, PINNED) == (moved, ())


def test_a_row_whose_words_the_other_release_has_not_got_ends_with_people() -> None:
    moved, _ = repinned(case_with(row_under_way("new_words", meanwhile="new_meanwhile")), PINNED)
    [request] = moved.requests
    assert request.active is not None
    assert request.active.acts == row_under_way("x").acts, "what is under way is waited for"
    assert [m["move"] for m in request.active.after] == ["escalate"]
    assert request.active.meanwhile == ""
    assert (request.fired, request.done) == (("x",), {"rma": {"status": "done"}})


_names = st.from_regex(r"[a-z\u00e4\u4e2d][a-z0-9_ \u00e4\u4e2d-]{0,8}", fullmatch=True)
_folders, _ends = st.sampled_from(["", "a/", "a/b c/"]), st.sampled_from([".md", ".yaml", ".txt", ".csv"])
_paths = st.builds(lambda folder, name, end: f"{folder}{name}{end}", _folders, _names, _ends)
_odd = [
    "",
    "\n",
    "a\r\nb\r\n",
    "\ufeffmarked",
    "\ufeff\ufefftwice",
    "no end",
    "\u2028line\u2029",
    "tab\tand\x0bmore",
    "---\n\u200b",
]
_texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0"), max_size=60) | st.sampled_from(_odd)


@given(st.dictionaries(_paths, _texts, min_size=1, max_size=5))
def test_a_release_written_out_and_read_again_is_the_same(files: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        write_folder(files, Path(folder))
        assert release_of(read_folder(Path(folder))) == release_of(files)


def test_nothing_is_written_outside_the_folder_or_over_something(tmp_path: Path) -> None:
    for path in ("../x.md", "/etc/x.md", "a/../../x.md"):
        with pytest.raises(UsageError, match="outside"):
            write_folder({path: "x"}, tmp_path / "new")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x").touch()
    with pytest.raises(UsageError, match="is there already"):
        write_folder({"x.md": "x"}, tmp_path / "used")


def test_the_worker_is_told_from_its_file() -> None:
    assert worker_name(FILES) == "retail"
    with pytest.raises(PlaybookError, match=r"worker\.yaml"):
        worker_name({})
