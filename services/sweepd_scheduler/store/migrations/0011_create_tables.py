"""All tables. Nothing is released before this revision, so it may change until the first release."""

from alembic import op

from sweepd_scheduler.store.tables import SchedulerTable

revision = "0011"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    SchedulerTable.metadata.create_all(op.get_bind())
