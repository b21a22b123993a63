"""Playbooks from folders and texts: releases, forms, and all mistakes at once with their lines."""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from sop_builders import INTENTS, RETURN, WORKER, files, playbook

from caseworker.core import items
from caseworker.core.errors import ConfigurationError
from caseworker.core.money import Money
from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.folder import LARGEST_FILE, LARGEST_PLAYBOOK, MOST_FILES
from caseworker.sop.load import load, read_folder, release_of, short
from caseworker.sop.parameters import resolve


def problems(texts: dict[str, str]) -> list[tuple[str, int, str]]:
    with pytest.raises(PlaybookProblems) as raised:
        load(texts)
    assert all(finding.message for finding in raised.value.findings)
    return [(finding.place.file, finding.place.line, finding.code) for finding in raised.value.findings]


def test_a_playbook_is_read() -> None:
    book = playbook()
    assert book.worker.mailboxes[0].address == "service@nordwind.example"
    assert book.worker.remind_after == timedelta(days=3)
    procedure = book.procedures["return"]
    assert [row.name for row in procedure.rows] == [
        "not_delivered",
        "window_closed",
        "refused_by_system",
        "accept",
        "not_covered",
    ]
    accept = procedure.rows[3]
    assert accept.do[0].name == "rma"
    assert accept.do[0].arguments == {"order": "order.ref", "lines": "lines", "reason": "reason"}
    assert accept.lines["do"] == accept.place.line + 2
    assert procedure.verify == "order"
    assert procedure.rows[4].when == ""


def test_the_release_is_the_content() -> None:
    assert release_of({"b": "2", "a": "1"}) == release_of({"a": "1", "b": "2"})
    assert release_of({"a": "1\r\n"}) == release_of({"a": "1\n"})
    assert release_of({"a": "12"}) != release_of({"a1": "2"})
    book = playbook()
    assert len(book.release) == 64
    assert len(short(book.release)) == 12
    assert book.release != playbook(intents=INTENTS + "\n# changed").release


def test_a_folder_is_read_without_hidden_and_foreign_files(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yaml").write_text("a: 1")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\xff")
    assert read_folder(tmp_path) == files()
    assert load(read_folder(tmp_path)).release == playbook().release


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no playbook folder"):
        read_folder(tmp_path / "none")
    (tmp_path / "worker.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_folder(tmp_path)


def unreadable(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read_folder(folder)
    assert refused.value.remedy
    return refused.value.message


def test_a_link_leads_to_a_file_of_the_same_playbook(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "sops").mkdir(parents=True)
    (folder / "worker.yaml").write_text("name: a")
    (folder / "sops" / "same.yaml").symlink_to("../worker.yaml")
    assert read_folder(folder)["sops/same.yaml"] == "name: a"
    (tmp_path / "secret.yaml").write_text("secret: 1")
    bad = folder / "sops" / "link.yaml"
    bad.symlink_to(tmp_path / "secret.yaml")
    assert unreadable(folder) == f"{bad} is a link that leads out of the playbook."
    for target in ("gone.yaml", "link.yaml", "/dev/zero"):
        bad.unlink()
        bad.symlink_to(target)
        assert unreadable(folder) == f"{bad} is no ordinary file."
    bad.unlink()
    for target in ("..", str(tmp_path), "."):
        (folder / "sops" / "more").symlink_to(target)
        assert unreadable(folder) == f"{folder}/sops/more is a link to a folder."
        (folder / "sops" / "more").unlink()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "worker.yaml")
    assert unreadable(tmp_path) == f"{tmp_path}/worker.yaml is no ordinary file."


def test_what_no_database_keeps_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"one\ntwo\0\n")
    assert unreadable(tmp_path) == f"{tmp_path}/a.md:2 holds the character NUL."
    (tmp_path / "a.md").unlink()
    (tmp_path / os.fsdecode(b"\xff.md")).write_text("text")
    assert unreadable(tmp_path) == r"The name of \udcff.md is not written in UTF-8."


def test_a_mark_and_ends_of_lines_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_folder(tmp_path) == {"a.yaml": "a: 1\nb: 2\n"}


def test_a_playbook_has_an_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x" * LARGEST_FILE)
    assert len(read_folder(tmp_path)["a.csv"]) == LARGEST_FILE
    for number in range(LARGEST_PLAYBOOK // LARGEST_FILE):
        os.link(tmp_path / "a.csv", tmp_path / f"{number}.csv")
    assert unreadable(tmp_path) == f"{tmp_path} holds more than 32 MiB of texts."
    with (tmp_path / "a.csv").open("ab") as file:
        file.write(b"x")
    assert "csv is larger than 2 MiB." in unreadable(tmp_path)


def test_a_playbook_has_so_many_files(tmp_path: Path) -> None:
    (tmp_path / "0.md").touch()
    for number in range(1, MOST_FILES):
        os.link(tmp_path / "0.md", tmp_path / f"{number}.md")
    assert len(read_folder(tmp_path)) == MOST_FILES
    os.link(tmp_path / "0.md", tmp_path / "more.md")
    assert f"holds more than {MOST_FILES} texts." in unreadable(tmp_path)


def test_every_problem_is_told_at_once_with_its_line() -> None:
    sop = """
sop: return
intents: [return_item]
surprise: 1
needs:
  order: {find: orders.find, look: orders.get}
  lines: {choose: order.lines}
verify: owner(nobody)
rules:
  - rule: a
    when: true
    resolve: maybe
  - rule: a
    resolve: answered
  - when: true
    do:
      - {x.one: {}, x.two: {}}
    promise: {what: refund, by: now}
    wait: {until: true, at_most: long, then: a}
  - otherwise: last
    when: true
    escalate: {queue: returns}
    resolve: answered
"""
    found = problems(files(sop=sop))
    assert {(line, code) for _, line, code in found} == {
        (4, "unknown_key"),
        (6, "need_way"),
        (7, "missing_key"),
        (8, "bad_verify"),
        (12, "unknown_word"),
        (13, "missing_key"),
        (13, "duplicate_name"),
        (15, "missing_key"),
        (17, "one_operation"),
        (18, "missing_key"),
        (19, "bad_duration"),
        (20, "otherwise_when"),
        (20, "two_ends"),
        (22, "missing_key"),
    }


def test_a_condition_that_yaml_reads_as_a_tag() -> None:
    sop = "sop: return\nintents: [return_item]\nrules:\n  - rule: a\n    when: !sender.verified\n    resolve: answered\n"
    with pytest.raises(PlaybookProblems, match=r"`when:` of the row `a` is empty. .*begins with `!` stands in quotes"):
        load(files(sop=sop + "  - otherwise: b\n    resolve: answered\n"))


def test_the_message_names_file_line_and_remedy() -> None:
    with pytest.raises(PlaybookProblems, match=r"sops/return.yaml:2: `rules:` is missing. Add it.") as raised:
        load(files(sop="\nsop: return\n"))
    assert "1 problem" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("worker", WORKER + "name: again\n", (11, "duplicate_key")),
        ("worker", WORKER.replace("mode: live", "mode: maybe"), (4, "unknown_word")),
        ("worker", WORKER.replace("[en, de]", "[en, xx]"), (5, "unknown_word")),
        ("worker", WORKER.replace("DE", "Germany"), (7, "bad_country")),
        ("worker", WORKER.replace("service@nordwind.example", "service"), (9, "bad_address")),
        ("intents", "return_item: [", (1, "no_yaml")),
        ("intents", "return_item: text", (1, "wrong_form")),
        ("intents", "return_item: {description: x, examples: [a]}", (1, "wrong_form")),
        ("questions", "wish: {kind: choice}", (1, "no_options")),
        ("questions", "wish: {kind: guess}", (1, "unknown_word")),
        ("questions", "account: {kind: code}", (1, "no_forms")),
        ("questions", 'account: {kind: code, forms: ["A-#"]}', (1, "bad_form")),
        ("questions", 'account: {kind: code, forms: ["ACCOUNT"]}', (1, "bad_form")),
        ("questions", 'account: {kind: code, forms: ["####?"]}', (1, "bad_form")),
        ("questions", 'account: {kind: text, forms: ["AC-####"]}', (1, "no_code")),
        ("questions", 'account: {kind: code, form: ["AC-####"]}', (1, "unknown_key")),
        ("parameters", 'fee: {type: Money, values: ["1.234 EUR"]}', (1, "bad_value")),
        ("parameters", "days: {type: int, values: [many]}", (1, "bad_value")),
        ("parameters", "days: {type: int, values: []}", (1, "no_values")),
        ("parameters", "days: {type: int, values: [{value: 1, from: soon}]}", (1, "bad_date")),
        ("parameters", "days: {type: int, values: [{value: 1, from: 2026-02-01, to: 2026-01-01}]}", (1, "bad_dates")),
        ("parameters", "a: &x [*x]", (1, "alias")),
        ("parameters", f"days: {{type: int, values: [{'9' * 5000}]}}", (1, "big_number")),
        ("parameters", "days:\n  type: int\n  values: [30, 9223372036854775808]", (3, "big_number")),
        ("parameters", f"share: {{type: percent, values: [{'9' * 5000}.5]}}", (1, "big_number")),
        ("parameters", "share: {type: percent, values: [.nan]}", (1, "bad_value")),
        ("parameters", "share: {type: percent, values: [-1]}", (1, "bad_value")),
        ("parameters", "share: {type: percent, values: [1000.5]}", (1, "bad_value")),
        ("parameters", "days: {type: int, values: [.inf]}", (1, "bad_value")),
        ("parameters", 'fee: {type: Money, values: ["NaN EUR"]}', (1, "bad_value")),
        ("parameters", 'fee: {type: Money, values: ["Infinity EUR"]}', (1, "bad_value")),
        ("parameters", 'fee: {type: Money, values: ["1e999999 EUR"]}', (1, "bad_value")),
        ("parameters", f'fee: {{type: Money, values: ["{"9" * 5000} EUR"]}}', (1, "bad_value")),
        ("parameters", f'wait: {{type: duration, values: ["{"9" * 5000}d"]}}', (1, "bad_value")),
        ("worker", WORKER.replace("general", "9" * 5000), (10, "big_number")),
        ("worker", WORKER.replace("general", '"a\\0b"'), (10, "bad_character")),
        ("worker", WORKER.replace("general", '"a\\U00110000b"'), (10, "no_yaml")),
        ("worker", WORKER.replace("general", '"a\\UFFFFFFFFb"'), (10, "no_yaml")),
        ("worker", WORKER.replace("general", '"a\\uD800b"'), (10, "no_yaml")),
        ("intents", f"%YAML {'1' * 5000}.1\n---\na: 1", (1, "no_yaml")),
        ("intents", "return_item:\n  description: a\n  examples: " + "[" * 70 + "]" * 70, (3, "too_deep")),
        ("intents", "return_item:\n  description: a\n  examples: " + "[" * 100_000, (3, "too_deep")),
        ("intents", "\n".join(" " * level + "a:" for level in range(3000)), (61, "too_deep")),
    ],
)
def test_mistakes_in_other_files(name: str, text: str, expected: tuple[int, str]) -> None:
    assert (f"{name}.yaml", *expected) in problems(files(**{name: text}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"a\\uD800b"', (10, "bad_character")), ('"a\\U00110000b"', (1, "no_yaml")), ('"a\\UFFFFFFFFb"', (1, "no_yaml"))],
)
def test_characters_that_are_none_are_told_without_libyaml(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: tuple[int, str]
) -> None:
    monkeypatch.setattr(items, "LOADER", yaml.SafeLoader)
    assert ("worker.yaml", *expected) in problems(files(worker=WORKER.replace("general", text)))


def test_a_number_that_is_too_large_is_told_once_and_shortened() -> None:
    with pytest.raises(PlaybookProblems) as raised:
        load(files(parameters=f"days: {{type: int, values: [{'9' * 5000}]}}"))
    [finding] = raised.value.findings
    assert len(finding.message) < 120
    assert "quotes" in finding.advice


def test_missing_files_and_twin_procedures() -> None:
    texts = files()
    del texts["intents.yaml"]
    texts["sops/second.yaml"] = RETURN
    assert {code for _, _, code in problems(texts)} == {"missing_file", "duplicate_name"}


def test_plain_words_are_what_they_look_like() -> None:
    """YAML 1.1 would read Norway as false, and a postcode as an octal number."""
    book = playbook(parameters="fee: {type: string, values: [{value: on, country: NO}, {value: 01067, country: DE}, yes]}")
    assert [value.value for value in book.parameters["fee"].values] == ["on", "01067", "yes"]
    assert book.parameters["fee"].values[0].country == "NO"


PARAMETERS = """
window:
  type: int
  values:
    - 30
    - {value: 31, brand: nordwind}
    - {value: 14, country: GB}
    - {value: 45, country: DE, from: 2026-11-15, to: 2027-01-31}
    - {value: 21, from: 2026-06-01, to: 2026-06-30}
    - {value: 60, country: GB, brand: nordwind}
    - {value: 50, country: DE, from: 2026-12-20, to: 2026-12-31}
goodwill: {type: Money, values: ["10.00 EUR"]}
share: {type: percent, values: [7.5]}
patience: {type: duration, values: [2d12h]}
"""


@pytest.mark.parametrize(
    ("country", "brand", "day", "expected"),
    [
        ("FR", "other", date(2026, 1, 1), 30),
        ("FR", "nordwind", date(2026, 1, 1), 31),
        ("FR", "nordwind", date(2026, 6, 5), 31),
        ("FR", "other", date(2026, 6, 30), 21),
        ("FR", "other", date(2026, 7, 1), 30),
        ("GB", "other", date(2026, 6, 5), 14),
        ("GB", "nordwind", date(2026, 6, 5), 60),
        ("DE", "other", date(2026, 11, 15), 45),
        ("DE", "other", date(2026, 12, 24), 50),
        ("DE", "other", date(2027, 2, 1), 30),
    ],
)
def test_the_most_specific_parameter_wins(country: str, brand: str, day: date, expected: int) -> None:
    parameters = playbook(parameters=PARAMETERS).parameters
    assert resolve(parameters["window"], country=country, brand=brand, on=day) == expected


def test_parameters_have_types() -> None:
    parameters = playbook(parameters=PARAMETERS).parameters
    assert parameters["goodwill"].values[0].value == Money(1000, "EUR")
    assert parameters["share"].values[0].value == 7.5
    assert parameters["patience"].values[0].value == timedelta(days=2, hours=12)
