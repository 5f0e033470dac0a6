"""The tags that scripts gave their runs, where lists read them."""

import json
from itertools import accumulate

import sqlalchemy as sa
from alembic import op

from sweepd import v1

revision = "0008"
down_revision = "0007"

MOST_CHARACTERS = 1_000


def upgrade() -> None:
    """Make the column and fill it from the details: runs that are over tell nothing any more."""
    op.add_column("run", sa.Column("tags", sa.Text))
    connection = op.get_bind()
    keys = connection.execute(sa.text("select sweep_id, run from run_details")).fetchall()
    one = sa.text("select body from run_details where sweep_id = :sweep and run = :run")
    put = sa.text("update run set tags = :tags where sweep_id = :sweep and number = :run")
    for sweep, run in keys:  # one body at a time: each may have half a MiB
        body = connection.execute(one, {"sweep": sweep, "run": run}).scalar_one()
        told = list(v1.RunDetails.FromString(body).tags)
        sizes = accumulate(len(tag) + 1 for tag in told)
        tags = [tag for tag, size in zip(told, sizes, strict=True) if size <= MOST_CHARACTERS]
        if tags:
            text = json.dumps(tags, ensure_ascii=False, separators=(",", ":"))
            connection.execute(put, {"tags": text, "sweep": sweep, "run": run})
