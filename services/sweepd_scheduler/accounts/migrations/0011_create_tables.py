"""All tables. Nothing is released before this revision, so it may change until the first release."""

from alembic import op

from sweepd_scheduler.accounts.tables import AccountTable

revision = "0011"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    AccountTable.metadata.create_all(op.get_bind())
