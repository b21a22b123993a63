"""Language versions: older playbooks go on working, and are rewritten by one command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sop_builders import RETURN, files

from caseworker.core.errors import PlaybookError
from caseworker.sop.load import load, release_of
from caseworker.sop.upgrade import CURRENT, UPGRADES, format_of, rewritten, upgraded

OLD = RETURN.replace("ask: return_reason}", "ask: return_reason, along: false}  # late")


def test_a_playbook_of_the_first_version_is_read_as_before_and_keeps_its_release() -> None:
    old = files(sop=OLD)
    one = load(old)
    assert (one.format, one.release) == (1, release_of(old))
    assert [need.ask_late for need in one.procedures["return"].needs] == [False, False, True]
    assert load(files()).procedures["return"].rows[0].place == one.procedures["return"].rows[0].place


def test_it_is_rewritten_with_comments_and_lines_where_they_were() -> None:
    new = rewritten(files(sop=OLD))
    assert "ask: return_reason, ask_late: true}  # late" in new["sops/return.yaml"]
    assert new["worker.yaml"].startswith(f"format: {CURRENT}\n")
    assert load(new).format == CURRENT
    assert load(new).procedures["return"].needs == load(files(sop=OLD)).procedures["return"].needs
    assert rewritten(new) == new


def test_the_old_key_is_unknown_in_the_new_version() -> None:
    new = {**files(sop=OLD), "worker.yaml": f"format: {CURRENT}\n{files()['worker.yaml']}"}
    with pytest.raises(PlaybookError, match="along"):
        load(new)


@pytest.mark.parametrize("number", ["0", "99", "9" * 5000])
def test_a_version_that_nobody_knows_is_refused(number: str) -> None:
    with pytest.raises(PlaybookError, match="format"):
        format_of({"worker.yaml": f"format: {number}\n"})


def test_every_older_version_has_its_function() -> None:
    assert sorted(UPGRADES) == list(range(1, CURRENT))


def test_what_is_nested_too_deeply_is_left_to_the_loader() -> None:
    old = {"sops/return.yaml": "needs: " + "[" * 100_000}
    assert upgraded(old) == old


@given(st.text(max_size=300))
def test_no_text_breaks_the_upgrade_and_none_without_the_old_key_is_changed(text: str) -> None:
    made = upgraded({"sops/a.yaml": text})
    assert made["sops/a.yaml"] == text or "along" in text
