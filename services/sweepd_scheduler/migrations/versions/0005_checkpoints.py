"""What attempts leave for the next one to go on from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the column; attempts of before have left nothing."""
    op.add_column("attempt", sa.Column("carried", sa.Text))
