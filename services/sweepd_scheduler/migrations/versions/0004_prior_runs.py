"""Runs of elsewhere with which a sweep begins."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table, and the figures about it; a sweep without any has none."""
    op.add_column("sweep", sa.Column("prior_runs", sa.BigInteger))
    op.add_column("sweep", sa.Column("prior_points", sa.BigInteger))
    op.create_table(
        "prior_run",
        sa.Column("sweep_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("point", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("iterations", sa.BigInteger, nullable=False),
        sa.Column("best_value", sa.Float),
        sa.Column("worst_value", sa.Float),
        sa.Column("last_value", sa.Float),
        sa.Column("total", sa.Float, nullable=False),
        sa.Column("value", sa.Float),
    )
