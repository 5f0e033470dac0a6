"""The first tables: tokens, what made them, entities and projects."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "token",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("projects", sa.Text, nullable=False),
        sa.Column("creator", sa.Text, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.Column("expire_time", sa.BigInteger, nullable=False),
        sa.Column("revoke_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "token_request",
        sa.Column("request", sa.LargeBinary, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "entity",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "project",
        sa.Column("entity", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )
