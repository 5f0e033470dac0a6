"""Creation of all tables. No earlier revision was released, so this may change until the first release."""

from alembic import op

from sweepd_metric_store.store.tables import MetricTable

revision = "0011"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    MetricTable.metadata.create_all(op.get_bind())
