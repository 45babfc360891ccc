"""The suppression list, and what is remembered of erased and kept records without holding them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "suppression",
        sa.Column("entry_index", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_index", "channel", name=op.f("pk_suppression")),
    )
    op.create_table(
        "remembered",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("record_index", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_remembered")),
    )
    op.create_index("ix_remembered_record", "remembered", ["system", "record_index"], unique=False)
