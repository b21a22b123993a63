"""Mails from files, and the figures of how well new words are found."""

import json
import mailbox
from pathlib import Path

import pytest

from caseworker.core.errors import MailError
from caseworker.mail.adapters.files import open_source
from caseworker.mail.evaluate import evaluate_pairs

MAIL = b"From: a@b.example\nSubject: x\n\nhello\n"
MBOX = (
    b"From a@b.example Tue Nov  3 09:00:00 2026\n"
    + MAIL
    + b"\n>From here on\nFrom the middle\n\nFrom c@d.example Tue Nov  3 09:00:00 2026\n"
    + MAIL
)


def test_one_mail(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    source = open_source(tmp_path / "a.eml")
    assert len(source) == 1
    assert list(source) == [("a.eml", MAIL)]
    assert list(source) == list(source)


def test_an_mbox(tmp_path: Path) -> None:
    (tmp_path / "all.mbox").write_bytes(MBOX)
    source = open_source(tmp_path / "all.mbox")
    names, mails = zip(*source, strict=True)
    assert len(source) == 2
    assert names == ("all.mbox#1", "all.mbox#2")
    assert mails[0] == MAIL + b"\nFrom here on\nFrom the middle\n\n"
    assert mails[1] == MAIL


def test_an_empty_mbox(tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(b"From a@b Tue\n\n")
    assert len(open_source(tmp_path / "a.mbox")) == 1


def test_a_maildir_and_folders_of_all_kinds(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    box.add(MAIL)
    box.add(MAIL)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.eml").write_bytes(MAIL)
    (tmp_path / "deep" / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "deep" / ".hidden.eml").write_bytes(MAIL)
    (tmp_path / "z.mbox").write_bytes(MBOX)
    assert len(open_source(tmp_path / "box")) == 2
    source = open_source(tmp_path)
    assert len(source) == len(list(source)) == 5


def test_nonsense_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "photo.jpg", tmp_path / "empty", tmp_path / "no such"):
        with pytest.raises(MailError, match=r"mail|exist") as refused:
            open_source(path)
        assert refused.value.remedy


def test_figures(tmp_path: Path) -> None:
    rows = [
        {
            "id": "1",
            "corpus": "a",
            "input": "Hello\n\nOn 3 Nov 2026 at 9:41, N <n@x.example> wrote:\n> old",
            "expected": "Hello",
        },
        {"id": "2", "corpus": "a", "input": "All my own words", "expected": "All my words"},
        {"id": "3", "corpus": "b_html", "input": "<p>Hi</p>", "expected": None, "must": ["hi"], "mustnot": ["bye"]},
        {"id": "4", "corpus": "b_html", "input": "<p>Hi</p>", "expected": "Hi there"},
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    figures = evaluate_pairs(path)
    assert figures["a"].exact == 0.5
    assert figures["a"].misses == ("2",)
    assert figures["a"].lost == 0
    assert figures["a"].left > 0
    assert figures["b_html"].lost > 0
    assert figures["all"].pairs == 4
    assert figures["all"].everything_lost == 0
    with pytest.raises(MailError, match="pairs"):
        evaluate_pairs(tmp_path / "none.jsonl")
