"""The gates on real mails of other projects, where they lie beside the checkout."""

import zipfile
from pathlib import Path

import pytest

from caseworker.mail.evaluate import evaluate_pairs
from caseworker.mail.model import MailboxSettings
from caseworker.mail.parse import parse

DATA = Path(__file__).parents[3] / "shared" / "data" / "mail"
MAILBOX = MailboxSettings("service@nordwind.example")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="mails of other projects are not part of the repository and not here")


def test_new_text_of_plain_mails() -> None:
    figures = evaluate_pairs(DATA / "reply_pairs_text.jsonl")["all"]
    assert figures.everything_lost == 0
    assert figures.lost <= 0.005
    assert figures.exact >= 0.92


def test_new_text_of_html_mails() -> None:
    figures = evaluate_pairs(DATA / "reply_pairs_html.jsonl")["all"]
    assert figures.everything_lost == 0
    assert figures.lost <= 0.005
    assert figures.exact >= 0.88


@pytest.mark.parametrize("archive", ["hostile_own.zip", "mime_mikel_mail_mit.zip"])
def test_nothing_raises(archive: str) -> None:
    with zipfile.ZipFile(DATA / archive) as mails:
        for entry in mails.infolist():
            if entry.file_size < 5_000_000:
                assert parse(mails.read(entry), MAILBOX).raw_size == entry.file_size


def test_bounces_are_known_and_lead_to_their_case() -> None:
    with zipfile.ZipFile(DATA / "bounces_sisimai_bsd2.zip") as mails:
        messages = [parse(mails.read(name), MAILBOX) for name in mails.namelist() if name.endswith(".eml")]
    bounces = [message.bounce for message in messages if message.bounce is not None]
    assert len(bounces) >= 0.95 * len(messages)
    assert sum(bool(bounce.original_message_id) for bounce in bounces) >= 0.85 * len(bounces)
    assert sum(message.classification.may_answer for message in messages) <= 0.03 * len(messages)
