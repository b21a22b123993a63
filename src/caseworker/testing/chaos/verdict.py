"""The verdict: everything is counted again from outside.

Nothing of Caseworker's own code takes part. The database is read with plain SQL, the customers' Maildir with Python's own
`mailbox` and `email`, and what the customers' client noted (its list of 250s) is compared with both.
"""

import mailbox
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from caseworker.testing.chaos.model import Ack, Condition, Report
from caseworker.testing.chaos.world import MONEY, Mail, World
from caseworker.testing.relay import Relay

Connection = psycopg.Connection[DictRow]
INTERIM = {"being_arranged"}  # "we are at it": told when a system keeps us waiting, before the answer itself
TAKEN_WITHIN = 30.0  # seconds
_ID = re.compile(r"<([^<>\s]+)>")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of Caseworker's as the customer's provider keeps it. `answers` is its In-Reply-To, `thread` its References."""

    message_id: str
    to: str
    answers: str
    thread: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Evidence:
    """All that a verdict looks at."""

    mails: Mapping[str, Mail]
    acks: Sequence[Ack]
    letters: Sequence[Letter]
    connection: Connection
    report: Report
    interim: set[str] = field(default_factory=set)

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """What the database says."""
        return self.connection.execute(statement.encode(), values).fetchall()


def judge(report: Report, world: World, acks: Sequence[Ack], *, url: str, relay: Relay) -> None:
    """Fill in the report's counts and conditions."""
    mails = {mail.message_id: mail for story in world.stories for mail in story.mails}
    letters = read_letters(relay.maildir)
    with psycopg.connect(url, row_factory=dict_row) as connection:
        evidence = Evidence(mails, acks, letters, connection, report)
        evidence.interim = _interim(evidence)
        report.conditions = tuple(Condition(name, tuple(check(evidence))) for name, check in CONDITIONS.items())
        report.counts = _counts(evidence)
    report.counts["repeats"] = sum(relay.repeats.values())


def read_letters(folder: Path) -> list[Letter]:
    """All mails of a Maildir."""
    parser = BytesParser(policy=policy.default)
    if not (folder / "new").is_dir():
        return []
    box = mailbox.Maildir(folder, factory=None, create=False)
    return [_letter(parser.parsebytes(box.get_bytes(key))) for key in sorted(box.keys())]


def _letter(mail: Any) -> Letter:
    body = mail.get_body(preferencelist=("plain",))
    return Letter(
        message_id=_first(mail["Message-ID"]),
        to=parseaddr(str(mail["To"]))[1].lower(),
        answers=_first(mail["In-Reply-To"]),
        thread=tuple(_ID.findall(str(mail["References"] or ""))),
        text=" ".join(str(body.get_content()).split()) if isinstance(body, EmailMessage) else "",
    )


def _first(header: object) -> str:
    return next(iter(_ID.findall(str(header or ""))), "")


def _interim(evidence: Evidence) -> set[str]:
    """Message-IDs of letters that only say that it takes longer."""
    rows = evidence.rows("select message_id, parsed->'replies' as replies from messages where direction = 'out'")
    return {row["message_id"].strip("<>") for row in rows if row["replies"] and set(row["replies"]) <= INTERIM}


# -- the conditions: each yields what speaks against it ----------------------------------------------------------------


def mails_lost(evidence: Evidence) -> Iterable[str]:
    """Every 250 has exactly one stored message, and its event is done. Mails that were never acknowledged are not ours yet."""
    acknowledged = {ack.message_id for ack in evidence.acks}
    for message_id in evidence.mails.keys() - acknowledged:
        yield f"{message_id} was never acknowledged"
    stored = evidence.rows(_STORED)
    found = defaultdict(list)
    for row in stored:
        found[row["message_id"].strip("<>")].append(row)
    for message_id in sorted(acknowledged):
        rows = found.get(message_id, [])
        if len(rows) != 1:
            yield f"{message_id} is stored {len(rows)} times"
        elif (rows[0]["events"], rows[0]["done"]) != (1, 1):
            yield f"{message_id} has {rows[0]['events']} events, {rows[0]['done']} of them done"


def answers_missing(evidence: Evidence) -> Iterable[str]:
    """Every acknowledged mail is answered: by a letter of its own, or by one that answers a later mail of its thread too."""
    told = {(letter.to, m) for letter in _final(evidence) for m in (letter.answers, *letter.thread)}
    for message_id in sorted({ack.message_id for ack in evidence.acks}):
        mail = evidence.mails[message_id]
        if (mail.sender, message_id) not in told:
            yield f"{mail.sender} got no answer to {message_id} ({mail.kind} {mail.number})"
        elif not any(_about(mail, letter) for letter in _final(evidence)):
            yield f"{mail.sender} was told nothing about {mail.number} ({mail.kind})"


def replies_twice(evidence: Evidence) -> Iterable[str]:
    """No mail has two letters that answer it, no order is spoken about twice, no two letters say the same."""
    letters = _final(evidence)
    for (to, answers), count in Counter((letter.to, letter.answers) for letter in letters).items():
        if count > 1:
            yield f"{to} got {count} answers to {answers}"
    for (to, text), count in Counter((letter.to, letter.text) for letter in letters).items():
        if count > 1:
            yield f"{to} got the same words {count} times: {text[:60]}"
    for mail in evidence.mails.values():
        count = sum(_about(mail, letter) for letter in letters)
        if count > 1:
            yield f"{mail.sender} was told {count} times about {mail.number} ({mail.kind})"
    sent = "select message_id, count(*) from messages where direction = 'out' group by message_id having count(*) > 1"
    for row in evidence.rows(sent):
        yield f"{row['message_id']} is noted as sent {row['count']} times"


def money_twice(evidence: Evidence) -> Iterable[str]:
    """Per payment and order at most one movement, never above what was captured."""
    for what in ("payment_id", "order_number"):
        for row in evidence.rows(
            f"select {what} as it, count(*), sum(minor) from sandbox.ledger group by 1 having count(*) > 1"
        ):
            yield f"{row['it']}: {row['count']} movements of money, {row['sum']} minor units together"
    for row in evidence.rows(_OVER):
        yield f"{row['id']}: {row['moved']} went back of {row['captured']} captured"


def money_and_receipts(evidence: Evidence) -> Iterable[str]:
    """The shop's ledger, its payments and our receipts say the same; whoever was due money got it, nobody else did."""
    numbers = {mail.number: mail for mail in evidence.mails.values()}
    for row in evidence.rows(_PAYMENTS, list(numbers)):
        if row["refunded"] != row["moved"]:
            yield f"payment {row['id']}: refunded {row['refunded']}, the ledger has {row['moved']}"
        due = row["captured"] if numbers[row["number"]].kind in MONEY else 0
        if row["moved"] != due:
            yield f"{row['number']} ({numbers[row['number']].kind}): {row['moved']} moved, {due} were due"
    ledger = {row["key"]: row["sum"] for row in evidence.rows("select key, sum(minor) from sandbox.ledger group by key")}
    receipts = evidence.rows(
        "select key, (receipt->'money_moved'->'$money'->>0)::bigint as minor from effects"
        " where kind = 'write' and status = 'done' and receipt->'money_moved'->'$money' is not null"
    )
    noted = {row["key"]: row["minor"] for row in receipts}
    for key in sorted(ledger.keys() | noted.keys()):
        if ledger.get(key) != noted.get(key):
            yield f"{key}: the ledger has {ledger.get(key)}, the receipt {noted.get(key)}"


def acts_twice(evidence: Evidence) -> Iterable[str]:
    """The shop carried out every write once."""
    for row in evidence.rows("select key, count(*) from sandbox.requests group by key having count(*) > 1"):
        yield f"{row['key']} was carried out {row['count']} times"
    returns = (
        "select doc->>'number' as number, jsonb_array_length(doc->'returns') as n from sandbox.records"
        " where kind = 'orders' and doc->>'number' = any(%s)"
    )
    wanted = {mail.number: int(mail.kind in ("return", "refund")) for mail in evidence.mails.values()}
    for row in evidence.rows(returns, list(wanted)):
        if row["n"] != wanted[row["number"]]:
            yield f"{row['number']} has {row['n']} returns, {wanted[row['number']]} were due"


def order_kept(evidence: Evidence) -> Iterable[str]:
    """Within a case mails, receipts and decisions end in the order in which they came; the timeline's times never go back."""
    for row in evidence.rows(_OVERTAKEN):
        yield f"case {row['case']}: event {row['seq']} ({row['kind']}) ended before an earlier one"
    for row in evidence.rows(_BACKWARDS):
        yield f"case {row['case']}: line {row['line']} ({row['kind']}) is older than the line before"
    for row in evidence.rows(_HEARD_LATE):
        yield f"case {row['case']}: the mail of event {row['seq']} was heard after a later one, or twice"


def effects_final(evidence: Evidence) -> Iterable[str]:
    """Nothing is still to be done, held back, or set aside."""
    for row in evidence.rows("select key, status, error from effects where status not in ('done', 'refused', 'cancelled')"):
        yield f"{row['key']} is {row['status']}: {row['error']}"


def work_left(evidence: Evidence) -> Iterable[str]:
    """No lease is held, no event is due, no payment is locked."""
    for row in evidence.rows("select number, lease_owner from cases where lease_until > now()"):
        yield f"case {row['number']} is held by {row['lease_owner']}"
    for row in evidence.rows(
        'select "case", seq, kind, error from events where done_at is null and (aside or attempts > 0 or due_at <= now())'
    ):
        yield f"case {row['case']}: event {row['seq']} ({row['kind']}) is not done. {row['error']}"
    for row in evidence.rows("select name, effect from locks where until > now()"):
        yield f"{row['name']} is locked by {row['effect']}"


def zombies(evidence: Evidence) -> Iterable[str]:
    """A frozen worker that woke up committed nothing: no line from before its freeze came later, nothing is noted twice."""
    for hit in evidence.report.hits:
        if hit.strike.act == "stop" and hit.taken_after is not None and hit.line is not None:
            for row in evidence.rows(_LATE, hit.case, hit.line, hit.at):
                frozen = f"the worker frozen at {hit.strike.failpoint}"
                yield f"case {hit.case}: line {row['line']} ({row['kind']}) was written by {frozen}"
    for row in evidence.rows(_ENDED_TWICE):
        yield f"case {row['case']}: {row['operation']} of request {row['request']} was ended {row['count']} times"
    for row in evidence.rows(_HEARD_TWICE):
        yield f"case {row['case']}: message {row['message']} was heard {row['count']} times"


def taken_over(evidence: Evidence) -> Iterable[str]:
    """The work of a dead or frozen worker was somebody else's within 30 seconds."""
    for hit in evidence.report.hits:
        if hit.waits and (hit.taken_after is None or hit.taken_after > TAKEN_WITHIN):
            took = "never" if hit.taken_after is None else f"after {hit.taken_after:.1f} s"
            yield f"case {hit.case}, {hit.strike.act} at {hit.strike.failpoint}: taken over {took}"


CONDITIONS = {
    "no mail lost": mails_lost,
    "every mail answered": answers_missing,
    "no reply twice": replies_twice,
    "no money twice": money_twice,
    "money, ledger and receipts agree": money_and_receipts,
    "no act twice": acts_twice,
    "order kept": order_kept,
    "every effect ended": effects_final,
    "nobody's work left": work_left,
    "zombies committed nothing": zombies,
    "taken over within 30 s": taken_over,
}


def _about(mail: Mail, letter: Letter) -> bool:
    """Whether the letter tells this mail's sender about its order (or its return, which has the same digits)."""
    return letter.to == mail.sender and mail.number.rpartition("-")[2] in letter.text


def _final(evidence: Evidence) -> list[Letter]:
    return [letter for letter in evidence.letters if letter.message_id not in evidence.interim]


def _counts(evidence: Evidence) -> dict[str, int]:
    """Figures of the run, beside its conditions."""
    effects = {r["status"]: r["count"] for r in evidence.rows("select status, count(*) from effects group by status")}
    [one] = evidence.rows(
        "select (select count(*) from cases) as cases, (select count(*) from messages where direction = 'in') as messages,"
        " (select count(*) from events where done_at is not null) as events,"
        " (select count(*) from sandbox.ledger) as movements, (select count(*) from queue_items) as with_people"
    )
    return {
        **{key: int(value) for key, value in one.items()},
        "letters": len(evidence.letters),
        "interim_letters": len(evidence.interim),
        **{f"effects_{status}": int(count) for status, count in sorted(effects.items())},
    }


_STORED = """
select m.message_id, count(e.seq) as events, count(e.done_at) as done
from messages m left join events e on e."case" = m."case" and e.kind = 'mail' and (e.data->>'message')::bigint = m.id
where m.direction = 'in' group by m.id
"""
_PAYMENTS = """
select p->>'id' as id, r.doc->>'number' as number, round((p->>'captured')::numeric * 100)::bigint as captured,
    round((p->>'refunded')::numeric * 100)::bigint as refunded, coalesce(sum(l.minor), 0)::bigint as moved
from sandbox.records r cross join jsonb_array_elements(r.doc->'payments') p
left join sandbox.ledger l on l.payment_id = p->>'id'
where r.kind = 'orders' and r.doc->>'number' = any(%s) group by 1, 2, 3, 4
"""
_OVER = """
select l.payment_id as id, sum(l.minor) as moved, max(round((p->>'captured')::numeric * 100)) as captured
from sandbox.ledger l join sandbox.records r on r.kind = 'orders' and r.doc->>'number' = l.order_number
cross join jsonb_array_elements(r.doc->'payments') p
where p->>'id' = l.payment_id group by l.payment_id
having sum(l.minor) > max(round((p->>'captured')::numeric * 100))
"""
_OVERTAKEN = """
select "case", seq, kind from (
    select "case", seq, kind, done_at,
        max(done_at) over (partition by "case" order by seq rows between unbounded preceding and 1 preceding) as before
    from events where kind <> 'timer' and done_at is not null
) e where done_at < before
"""
_BACKWARDS = """
select "case", line, kind from (
    select "case", line, kind, at, lag(at) over (partition by "case" order by line) as before from timeline
) t where at < before
"""
_HEARD_LATE = """
select "case", seq from (
    select t."case", e.seq, lag(e.seq) over (partition by t."case" order by t.line) as before
    from timeline t join events e on e."case" = t."case" and e.kind = 'mail' and e.data->>'message' = t.data->>'message'
    where t.kind = 'mail'
) m where seq <= before
"""
_LATE = 'select line, kind from timeline where "case" = %s and line > %s and at <= %s'
_ENDED_TWICE = """
select "case", data->>'operation' as operation, data->>'request' as request, count(*) from timeline
where kind in ('effect', 'sent') and data->>'status' = 'done'
group by 1, 2, 3, coalesce(data->'receipt'->>'message_id', data->>'name') having count(*) > 1
"""
_HEARD_TWICE = """
select "case", data->>'message' as message, count(*) from timeline where kind = 'mail' group by 1, 2 having count(*) > 1
"""
