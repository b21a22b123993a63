"""Limits that hold across cases: wrong proofs of identity, and whether a person approved an effect."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table and the column."""
    op.add_column("effects", sa.Column("approved", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "wrong_proofs",
        sa.Column("case", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case"], ["cases.number"], name=op.f("fk_wrong_proofs_case")),
        sa.PrimaryKeyConstraint("case", "record", "proof", name=op.f("pk_wrong_proofs")),
    )
    op.create_index("ix_wrong_proofs_sender", "wrong_proofs", ["sender", "at"])
    op.create_index("ix_wrong_proofs_record", "wrong_proofs", ["record", "at"])
