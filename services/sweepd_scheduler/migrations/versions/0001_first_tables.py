"""The first tables: sweeps, runs, attempts, rungs, observations, the record, remembered requests."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sweep",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("sweep", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text),
        sa.Column("file_content", sa.LargeBinary),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ending", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("pending_runs", sa.BigInteger, nullable=False),
        sa.Column("assigned_runs", sa.BigInteger, nullable=False),
        sa.Column("running_runs", sa.BigInteger, nullable=False),
        sa.Column("finished_runs", sa.BigInteger, nullable=False),
        sa.Column("failed_runs", sa.BigInteger, nullable=False),
        sa.Column("crashed_runs", sa.BigInteger, nullable=False),
        sa.Column("stopped_runs", sa.BigInteger, nullable=False),
        sa.Column("killed_runs", sa.BigInteger, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("listed", sa.BigInteger),
        sa.Column("observations", sa.BigInteger, nullable=False),
        sa.Column("best_run", sa.BigInteger),
        sa.Column("best_value", sa.Float),
        sa.Column("objective_seen", sa.Boolean, nullable=False),
        sa.Column("missing_runs", sa.BigInteger, nullable=False),
        sa.Column("missing_keys", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("entity", "project", "sweep"),
    )
    op.create_table(
        "run",
        sa.Column("sweep_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("repeat", sa.BigInteger, nullable=False),
        sa.Column("occurrence", sa.BigInteger, nullable=False),
        sa.Column("point", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("point_index", sa.BigInteger, nullable=False),
        sa.Column("observations_seen", sa.BigInteger, nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("predicted_value", sa.Float),
        sa.Column("predicted_deviation", sa.Float),
        sa.Column("expected_improvement", sa.Float),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("requeues", sa.BigInteger, nullable=False),
        sa.Column("observation_row", sa.BigInteger, nullable=False),
        sa.Column("iterations", sa.BigInteger, nullable=False),
        sa.Column("best_value", sa.Float),
        sa.Column("worst_value", sa.Float),
        sa.Column("last_value", sa.Float),
        sa.Column("objective_logged", sa.Boolean, nullable=False),
        sa.Column("rung", sa.BigInteger, nullable=False),
        sa.Column("stop_mode", sa.Text),
        sa.Column("stop_reason", sa.Text, nullable=False),
        sa.Column("verdicts", sa.Text, nullable=False),
        sa.Column("logged_keys", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("sweep_id", "digest", "repeat", "occurrence"),
    )
    op.create_table(
        "attempt",
        sa.Column("sweep_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("exit_cause", sa.Text),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("exit_signal", sa.BigInteger),
        sa.Column("exit_message", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("argv", sa.Text, nullable=False),
        sa.Column("resumed_from_step", sa.BigInteger),
        sa.Column("assign_time", sa.BigInteger, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "rung",
        sa.Column("sweep_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rung", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Float, nullable=False),
    )
    op.create_table(
        "observation",
        sa.Column("sweep_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("iterations", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("worst", sa.Float),
        sa.Column("last", sa.Float),
        sa.Column("outcome", sa.Text),
    )
    op.create_table(
        "event",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("sweep_id", sa.BigInteger, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("event_of_sweep", "event", ["sweep_id", "number"])
    op.create_table(
        "request",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_request_time", "request", ["time"])
