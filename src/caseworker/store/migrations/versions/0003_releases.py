"""Releases have a state: who may decide what, since when, by whom; a log of it; what a release in shadow would have decided."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
IN_FORCE = sa.text("state IN ('live', 'share', 'shadow')")


def upgrade() -> None:
    """Add columns and tables. Releases that are there have decided cases: they are retired; the next start makes one live."""
    op.drop_column("releases", "withdrawn")
    op.add_column("releases", sa.Column("state", sa.Text(), server_default="draft", nullable=False))
    op.add_column("releases", sa.Column("percent", sa.Integer(), server_default="0", nullable=False))
    op.add_column("releases", sa.Column("people", sa.Integer(), server_default="1", nullable=False))
    op.add_column("releases", sa.Column("successor", sa.Text(), server_default="", nullable=False))
    op.add_column("releases", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("releases", sa.Column("by", sa.Text(), server_default="", nullable=False))
    op.add_column("releases", sa.Column("how", sa.Text(), server_default="", nullable=False))
    op.add_column("releases", sa.Column("live_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "releases",
        sa.Column("proposal", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.execute("UPDATE releases SET state = 'retired', since = created_at, live_at = created_at")
    op.alter_column("releases", "since", nullable=False)
    op.create_index("ix_releases_in_force", "releases", ["worker", "state"], unique=True, postgresql_where=IN_FORCE)
    op.create_table(
        "release_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("how", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_log")),
    )
    op.create_index("ix_release_log_release", "release_log", ["release"])
    op.create_table(
        "shadow_decisions",
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("case", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live_release", sa.Text(), server_default="", nullable=False),
        sa.Column("live_rule", sa.Text(), server_default="", nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("moves", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("same", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["case"], ["cases.number"], name=op.f("fk_shadow_decisions_case")),
        sa.PrimaryKeyConstraint("release", "case", "seq", "request", name=op.f("pk_shadow_decisions")),
    )
