"""The tables. Times are timestamptz in UTC; facts are JSON as `core.facts.dump` writes them; money is in minor units.

`worker` (which AI worker) is in every table that belongs to one, from the first migration on.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False, default: str | None = "", key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, server_default=default, primary_key=key)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB, nullable=False, server_default=sa.text("'{}'::jsonb"))


releases = sa.Table(
    "releases",
    metadata,
    _text("hash", default=None, key=True),
    _text("worker", default=None),
    _json("files"),
    _time("created_at"),
    _text("state", default="draft"),
    sa.Column("percent", sa.Integer, nullable=False, server_default="0"),
    sa.Column("people", sa.Integer, nullable=False, server_default="1"),
    _text("successor"),
    _time("since"),
    _text("by"),
    _text("how"),
    _time("live_at", nullable=True),
    _json("proposal"),
    sa.Index(
        "ix_releases_in_force", "worker", "state", unique=True, postgresql_where=sa.text("state IN ('live','share','shadow')")
    ),
)

release_log = sa.Table(
    "release_log",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("worker", default=None),
    _text("release", default=None),
    _time("at"),
    _text("before"),
    _text("after"),
    sa.Column("percent", sa.Integer, nullable=False, server_default="0"),
    _text("by"),
    _text("approved_by"),
    _text("how"),
    _text("note"),
    sa.Index("ix_release_log_release", "release"),
)

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    _text("address", default=None, key=True),
    _text("worker", default=None),
    _text("shop", default=None),
    _text("authserv_id"),
    _text("signature"),
)

raw_mails = sa.Table(
    "raw_mails",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("worker", default=None),
    _text("mailbox", default=None),
    _text("event_id", default=None),
    _text("envelope_from"),
    sa.Column("size", sa.BigInteger, nullable=False),
    _text("status", default="parsed"),
    _text("error"),
    _time("received_at"),
    sa.UniqueConstraint("event_id"),
)

raw_chunks = sa.Table(
    "raw_chunks",
    metadata,
    sa.Column("mail", sa.BigInteger, sa.ForeignKey("raw_mails.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("worker", default=None),
    _text("mailbox", default=None),
    _text("shop", default=None),
    _text("release", default=None),
    _text("status", default="open"),
    _text("sender"),
    _text("language"),
    _text("subject"),
    _text("queue"),
    sa.Column("intents", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("outcomes", ARRAY(sa.Text), nullable=False, server_default="{}"),
    _text("search"),
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    _time("opened_at"),
    _time("updated_at"),
    _time("closed_at", nullable=True),
    _time("verified_at", nullable=True),
    _json("state"),
    sa.Column("state_version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("next_seq", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("next_line", sa.BigInteger, nullable=False, server_default="1"),
    _text("lease_owner"),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    _time("lease_until", nullable=True),
    sa.Index("ix_cases_updated", "updated_at"),
    sa.Index("ix_cases_sender_status", "sender", "status"),
    sa.Index("ix_cases_lease_owner", "lease_owner"),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("worker", default=None),
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), nullable=True),
    sa.Column("raw", sa.BigInteger, sa.ForeignKey("raw_mails.id"), nullable=True),
    _text("direction", default=None),
    _text("message_id"),
    _text("sender"),
    _text("recipient"),
    _text("subject"),
    _text("text"),
    _text("kind"),
    _time("at"),
    _json("parsed"),
    sa.Index("ix_messages_message_id", "message_id"),
    sa.Index("ix_messages_case", "case"),
    sa.Index("ix_messages_recipient_at", "recipient", "at"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    _text("id", default=None),
    _text("kind", default=None),
    _json("data"),
    _time("created_at"),
    _time("due_at"),
    _time("done_at", nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("aside", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("error"),
    sa.UniqueConstraint("id"),
    sa.Index("ix_events_due", "due_at", postgresql_where=sa.text("done_at IS NULL AND NOT aside")),
)

effects = sa.Table(
    "effects",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("worker", default=None),
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), nullable=False),
    _text("key", default=None),
    _text("kind", default=None),
    sa.Column("request", sa.Integer, nullable=False),
    _text("name", default=None),
    _text("operation", default=None),
    _text("subject_key"),
    _json("arguments"),
    sa.Column("minor", sa.BigInteger, nullable=True),
    _text("currency"),
    _text("reason"),
    _text("customer"),
    sa.Column("approved", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("status", default="planned"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _time("created_at"),
    _time("due_at"),
    _time("started_at", nullable=True),
    _time("finished_at", nullable=True),
    _json("receipt"),
    _json("error"),
    sa.UniqueConstraint("key"),
    sa.Index("ix_effects_case", "case"),
    sa.Index("ix_effects_customer", "customer", "operation"),
    sa.Index("ix_effects_subject", "subject_key", "operation"),
    sa.Index("ix_effects_due", "due_at", postgresql_where=sa.text("status IN ('planned','started','pending','unknown')")),
)

timeline = sa.Table(
    "timeline",
    metadata,
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), primary_key=True),
    sa.Column("line", sa.BigInteger, primary_key=True),
    _time("at"),
    _text("kind", default=None),
    _json("data"),
)

shadow_decisions = sa.Table(
    "shadow_decisions",
    metadata,
    _text("release", default=None, key=True),
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("request", sa.Integer, primary_key=True),
    _time("at"),
    _text("live_release"),
    _text("live_rule"),
    _text("rule"),
    _json("moves"),
    sa.Column("same", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("error"),
)

locks = sa.Table(
    "locks",
    metadata,
    _text("name", default=None, key=True),
    sa.Column("case", sa.BigInteger, nullable=False),
    _text("effect", default=None),
    _time("until"),
)

queue_items = sa.Table(
    "queue_items",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("worker", default=None),
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), nullable=False),
    _text("kind", default=None),
    sa.Column("request", sa.Integer, nullable=False),
    _text("queue", default=None),
    _text("because"),
    _text("name"),
    _json("brief"),
    _time("created_at"),
    _time("decided_at", nullable=True),
    _text("decision"),
    _text("decided_by"),
    _text("note"),
    sa.Index("ix_queue_items_open", "queue", postgresql_where=sa.text("decided_at IS NULL")),
    sa.Index("ix_queue_items_case", "case"),
)

wrong_proofs = sa.Table(
    "wrong_proofs",
    metadata,
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), primary_key=True),
    _text("record", default=None, key=True),
    _text("proof", default=None, key=True),
    _text("worker", default=None),
    _text("sender"),
    _time("at"),
    sa.Index("ix_wrong_proofs_sender", "sender", "at"),
    sa.Index("ix_wrong_proofs_record", "record", "at"),
)

promises = sa.Table(
    "promises",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("worker", default=None),
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), nullable=False),
    sa.Column("request", sa.Integer, nullable=False),
    _text("what", default=None),
    _json("amount"),
    _time("due"),
    _text("kept_when"),
    _text("status", default="open"),
    _time("created_at"),
    sa.Index("ix_promises_due", "due", postgresql_where=sa.text("status = 'open'")),
)

stops = sa.Table(
    "stops",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("scope", default=None),
    _text("value"),
    _text("by"),
    _time("since"),
    _time("lifted_at", nullable=True),
)

clock = sa.Table(
    "clock",
    metadata,
    sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.true()),
    _time("at"),
    sa.CheckConstraint("one", name="ck_clock_one"),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("case", sa.BigInteger, sa.ForeignKey("cases.number"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("request", sa.Integer, nullable=False),
    _text("release", default=None),
    _text("procedure", default=None),
    _text("rule"),
    _time("at"),
    _json("inputs"),
    _json("decision"),
    sa.Index("ix_decisions_at", "at"),
)
