"""The names that scripts gave their runs, where lists read them."""

import sqlalchemy as sa
from alembic import op

from sweepd import v1

revision = "0006"
down_revision = "0005"

MOST_CHARACTERS = 1_000


def upgrade() -> None:
    """Make the column and fill it from the details: runs that are over tell nothing any more."""
    op.add_column("run", sa.Column("display_name", sa.Text))
    connection = op.get_bind()
    keys = connection.execute(sa.text("select sweep_id, run from run_details")).fetchall()
    one = sa.text("select body from run_details where sweep_id = :sweep and run = :run")
    put = sa.text("update run set display_name = :name where sweep_id = :sweep and number = :run")
    for sweep, run in keys:  # one body at a time: each may have half a MiB
        body = connection.execute(one, {"sweep": sweep, "run": run}).scalar_one()
        name = v1.RunDetails.FromString(body).display_name[:MOST_CHARACTERS]
        if name:
            connection.execute(put, {"name": name, "sweep": sweep, "run": run})
