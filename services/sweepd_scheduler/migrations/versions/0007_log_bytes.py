"""How long the logs of attempts have become."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the column; nobody has said it of attempts of before."""
    op.add_column("attempt", sa.Column("log_bytes", sa.BigInteger))
