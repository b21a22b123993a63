"""The verdict sees what it is there to see: each kind of damage is planted in a clean run, and found."""

import asyncio
import copy
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest

from caseworker.commerce.adapters.sandbox import Sandbox
from caseworker.core.clock import SystemClock
from caseworker.testing.chaos.model import Ack, Hit, Order, Report, Strike
from caseworker.testing.chaos.verdict import judge
from caseworker.testing.chaos.world import Story, World, make
from caseworker.testing.relay import Relay

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
SEED = 4  # its one customer waits for a refund
WORLD = make(mails=1, seed=SEED, at=AT)
MAIL = WORLD.stories[0].mails[0]
WRITE, SEND, REPLY = "1/1.1/refund_now/refund", "1/send/2", "reply@nordwind.example"
CLEAN = f"""
insert into cases (number, worker, mailbox, shop, release, opened_at, updated_at, sender, status)
    values (1, 'retail', 'm', 'base', 'r', '{AT}', '{AT}', '{MAIL.sender}', 'closed');
insert into messages (id, worker, "case", direction, message_id, at) overriding system value
    values (1, 'retail', 1, 'in', '{MAIL.message_id}', '{AT}');
insert into messages (id, worker, "case", direction, message_id, at, parsed) overriding system value
    values (2, 'retail', 1, 'out', '{REPLY}', '{AT}', '{{"replies": ["refund_now"]}}');
insert into events ("case", seq, id, kind, data, created_at, due_at, done_at) values
    (1, 1, 'a', 'mail', '{{"message": 1}}', '{AT}', '{AT}', '{AT}'),
    (1, 2, 'b', 'receipt', '{{}}', '{AT}', '{AT}', '{AT}');
insert into timeline ("case", line, at, kind, data) values
    (1, 1, '{AT}', 'mail', '{{"message": 1}}'),
    (1, 2, '{AT}', 'effect', '{{"operation": "payments.refund", "request": 1, "name": "refund", "status": "done"}}'),
    (1, 3, '{AT}', 'sent', '{{"operation": "mail.send", "status": "done", "receipt": {{"message_id": "{REPLY}"}}}}');
insert into effects (worker, "case", key, kind, request, name, operation, status, created_at, due_at, receipt) values
    ('retail', 1, '{WRITE}', 'write', 1, 'refund', 'payments.refund', 'done', '{AT}', '{AT}',
        '{{"money_moved": {{"$money": [MINOR, "EUR"]}}}}'),
    ('retail', 1, '{SEND}', 'send', 0, 'send', 'mail.send', 'done', '{AT}', '{AT}', '{{}}');
insert into sandbox.ledger (world, payment_id, order_number, minor, currency, direction, operation, key, case_ref, at)
    values ('base', 'PAYMENT', '{MAIL.number}', MINOR, 'EUR', 'refund', 'payments.refund', '{WRITE}', 'CW', '{AT}');
insert into sandbox.requests (world, key, n, operation, arguments_hash, case_ref, receipt, at)
    values ('base', '{WRITE}', 1, 'payments.refund', 'x', 'CW', '{{}}', '{AT}');
"""


class Run:
    """A run that went well, to be spoilt."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.relay = url, Relay("mx", folder / "mail")
        self.report = Report(Order(folder))
        self.acks = [Ack(MAIL.message_id, AT)]
        self.letter(REPLY)

    def letter(self, message_id: str, text: str = "Your refund is under way.", *, answers: str = MAIL.message_id) -> None:
        mail = EmailMessage()
        mail["Message-ID"], mail["To"] = f"<{message_id}>", MAIL.sender
        mail["In-Reply-To"] = mail["References"] = f"<{answers}>"
        mail.set_content(f"{MAIL.number}: {text}")
        for part in ("tmp", "new", "cur"):
            (self.relay.maildir / part).mkdir(parents=True, exist_ok=True)
        (self.relay.maildir / "new" / message_id).write_bytes(mail.as_bytes())

    def spoil(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())

    def broken(self) -> set[str]:
        judge(self.report, World({}, (Story(((MAIL,),)),)), self.acks, url=self.url, relay=self.relay)
        return {condition.name for condition in self.report.conditions if not condition.holds}


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    shop = copy.deepcopy(WORLD.shop)
    shop["orders"] = [order for order in shop["orders"] if order["number"] == MAIL.number]
    [order] = shop["orders"]
    [money] = order["payments"]
    money["refunded"] = money["captured"]
    minor = int(money["captured"].replace(".", ""))

    async def install() -> None:
        async with Sandbox(database_url, SystemClock()) as sandbox:
            await sandbox.install()
            await sandbox.load(shop)

    asyncio.run(install())
    made = Run(database_url, tmp_path)
    made.spoil(CLEAN.replace("MINOR", str(minor)).replace("PAYMENT", f"P-{order['id']}-1"))
    return made


def test_a_clean_run_passes(run: Run) -> None:
    assert run.broken() == set()
    assert run.report.holds


def test_a_mail_that_is_missing_or_not_done_is_lost(run: Run) -> None:
    run.spoil("update events set done_at = null, aside = true where seq = 1")
    assert {"no mail lost", "nobody's work left"} <= run.broken()
    run.spoil("delete from messages where direction = 'in'")
    assert "no mail lost" in run.broken()


def test_a_mail_without_a_letter_is_not_answered(run: Run) -> None:
    (run.relay.maildir / "new" / REPLY).unlink()
    assert run.broken() == {"every mail answered"}


def test_two_letters_to_one_mail_are_a_reply_too_many(run: Run) -> None:
    run.letter("another@nordwind.example", "Another text.")
    assert run.broken() == {"no reply twice"}


def test_a_letter_that_only_says_that_it_takes_longer_is_no_reply_too_many(run: Run) -> None:
    run.letter("interim@nordwind.example", "It takes longer.")
    run.spoil(
        'insert into messages (id, worker, "case", direction, message_id, at, parsed) overriding system value'
        " values (3, 'retail', 1, 'out', 'interim@nordwind.example', now(), '{\"replies\": [\"being_arranged\"]}')"
    )
    assert run.broken() == set()


def test_money_that_moves_twice_is_found(run: Run) -> None:
    columns = "world, payment_id, order_number, minor, currency, direction, operation"
    run.spoil(
        f"insert into sandbox.ledger ({columns}, key, case_ref, at) select {columns}, 'k', case_ref, at from sandbox.ledger"
    )
    assert run.broken() == {"no money twice", "money, ledger and receipts agree"}


def test_money_without_a_receipt_is_found(run: Run) -> None:
    run.spoil("update effects set receipt = '{}' where kind = 'write'")
    assert run.broken() == {"money, ledger and receipts agree"}


def test_a_write_that_was_carried_out_twice_is_found(run: Run) -> None:
    columns = "operation, arguments_hash, case_ref, receipt, at"
    run.spoil(f"insert into sandbox.requests (world, key, n, {columns}) select world, key, 2, {columns} from sandbox.requests")
    assert run.broken() == {"no act twice"}


def test_an_event_that_overtook_another_is_found(run: Run) -> None:
    run.spoil("update events set done_at = done_at - interval '1 second' where seq = 2")
    assert run.broken() == {"order kept"}


def test_what_was_left_undone_is_found(run: Run) -> None:
    run.spoil("update effects set status = 'started' where kind = 'send'")
    run.spoil("update cases set lease_until = now() + interval '1 minute'")
    assert run.broken() == {"every effect ended", "nobody's work left"}


def test_a_line_that_a_woken_worker_wrote_is_found(run: Run) -> None:
    hit = Hit(Strike("stop", "before_commit"), AT + timedelta(seconds=1), 1, "a", case=1, waits=True, taken_after=12.0, line=3)
    run.report.hits.append(hit)
    assert run.broken() == set()
    run.spoil("insert into timeline (\"case\", line, at, kind) select 1, 4, at, 'decided' from timeline where line = 3")
    assert run.broken() == {"zombies committed nothing"}
    later = "select 1, 5, at + interval '1 hour', kind, data from timeline where line = 2"
    run.spoil(f'insert into timeline ("case", line, at, kind, data) {later}')
    run.spoil("delete from timeline where line = 4")
    assert run.broken() == {"zombies committed nothing"}


def test_a_case_that_was_taken_over_late_or_never_is_found(run: Run) -> None:
    run.report.hits.append(Hit(Strike("kill", "after_call"), AT, 1, "a", case=1, waits=True))
    assert run.broken() == {"taken over within 30 s"}
    run.report.hits[0].taken_after = 31.0
    assert run.broken() == {"taken over within 30 s"}
    run.report.hits[0].taken_after = 29.0
    assert run.broken() == set()
