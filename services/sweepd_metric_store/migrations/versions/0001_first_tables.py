"""The first tables: names, attempts with cursors, series with summaries, chunks, pieces of logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _reference(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)


def _identity() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    op.create_table("sweep", _identity(), sa.Column("name", sa.Text, nullable=False, unique=True))
    op.create_table(
        "run",
        _identity(),
        _reference("sweep_id", "sweep.id"),
        sa.Column("name", sa.Text, nullable=False, unique=True),
    )
    op.create_index("ix_run_sweep_id", "run", ["sweep_id"])
    op.create_table(
        "attempt",
        _identity(),
        _reference("run_id", "run.id"),
        *_whole("number", "point_row"),
        sa.Column("resumed_from_step", sa.Integer),
        *_whole("log_offset", "log_tail_offset", "log_tail_pieces"),
        sa.UniqueConstraint("run_id", "number"),
    )
    op.create_index("attempt_loose_log", "attempt", ["id"], sqlite_where=sa.text("log_tail_pieces > 1"))
    op.create_table("metric_key", _identity(), sa.Column("name", sa.Text, nullable=False, unique=True))
    op.create_table(
        "series",
        _identity(),
        _reference("attempt_id", "attempt.id"),
        _reference("key_id", "metric_key.id"),
        *_whole("points", "numbers", "kinds", "tail_first_row", "tail_points", "tail_pieces"),
        sa.Column("summary", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("attempt_id", "key_id"),
    )
    op.create_index("series_loose", "series", ["id"], sqlite_where=sa.text("tail_pieces > 1"))
    op.create_table(
        "chunk",
        _identity(),
        _reference("series_id", "series.id"),
        *_whole("first_row", "last_row", "points", "min_step", "max_step", "kind"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("series_id", "first_row"),
    )
    op.create_table(
        "log_piece",
        _identity(),
        _reference("attempt_id", "attempt.id"),
        *_whole("first_offset", "end_offset"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("attempt_id", "first_offset"),
    )
