"""Mails from files, and the figures of how well new words are found."""

import json
import mailbox
import os
from pathlib import Path

import pytest

from caseworker.core.errors import MailError
from caseworker.mail.adapters.files import MailSource, open_source
from caseworker.mail.evaluate import evaluate_pairs
from caseworker.mail.model import MAX_MAIL

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


def reasons(source: MailSource) -> dict[str, str]:
    return {each.name: each.why for each in source.left_out}


def test_what_is_not_taken_in_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_bytes(MAIL)
    folder = tmp_path / "box"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.eml").write_bytes(MAIL)
    (folder / "deep" / "same.eml").symlink_to("../a.eml")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "empty.eml").touch()
    (folder / ".hidden.eml").write_bytes(MAIL)
    (folder / "out.eml").symlink_to(tmp_path / "secret.eml")
    (folder / "gone.eml").symlink_to("nothing")
    (folder / "zero.eml").symlink_to("/dev/zero")
    (folder / "deep" / "round").symlink_to("..")
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    os.mkfifo(folder / "pipe.eml")
    source = open_source(folder)
    assert [name for name, _ in source] == ["a.eml", "deep/same.eml"]
    assert len(source) == 2
    assert reasons(source) == {
        ".hidden.eml": "is hidden",
        "deep/round": "is a link to a folder",
        "empty.eml": "is empty",
        "gone.eml": "is no ordinary file",
        "out.eml": "is a link that leads out of the folder",
        "photo.jpg": "is no mail: it begins neither with a header nor with `From `",
        "pipe.eml": "is no ordinary file",
        "zero.eml": "is a link that leads out of the folder",
        r"\udcff.jpg": "is no mail: it begins neither with a header nor with `From `",
    }
    assert not any(each.lost for each in source.left_out)
    assert len(open_source(folder / "out.eml")) == 1, "whoever names a link means it"


def test_a_maildir_tells_of_its_other_folders(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    box.add(MAIL)
    box.add_folder("Sent").add(MAIL)
    (tmp_path / "box" / "dovecot.index").write_bytes(b"x")
    source = open_source(tmp_path / "box")
    assert len(list(source)) == 1
    assert list(reasons(source)) == [".Sent", "dovecot.index"]


@pytest.mark.parametrize("name", ["pipe", "zero", "empty.eml"])
def test_a_file_without_mail_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "empty.eml").touch()
    with pytest.raises(MailError, match=r"is no ordinary file\.|is empty\."):
        open_source(tmp_path / name)
    with pytest.raises(MailError, match=r"There is no mail in .*pipe is no ordinary file\."):
        open_source(tmp_path)


def test_a_mail_that_is_too_large_is_lost_with_a_word(tmp_path: Path) -> None:
    small, large = MAIL + b"\n", MAIL + b"x" * MAX_MAIL + b"\n\n"
    mark = b"From a@b.example Tue Nov  3 09:00:00 2026\n"
    (tmp_path / "all.mbox").write_bytes(mark + small + mark + large + mark + small)
    (tmp_path / "big.eml").write_bytes(large)
    source = open_source(tmp_path)
    assert list(source) == [("all.mbox#1", small), ("all.mbox#3", small)]
    assert reasons(source) == {"all.mbox#2": "is larger than 50 MiB", "big.eml": "is larger than 50 MiB"}
    assert all(each.lost for each in source.left_out)


def test_a_mail_that_is_gone_when_it_is_read_does_not_end_the_import(tmp_path: Path) -> None:
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(MAIL)
    source = open_source(tmp_path)
    (tmp_path / "a.eml").unlink()
    assert [name for name, _ in source] == ["b.eml"]
    assert reasons(source) == {"a.eml": "cannot be read: No such file or directory"}
