"""What the rest of the sweep language needs: places in the queue, retries, rules, guards, revisions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SWEEP_KEPT = (
    "id, entity, project, sweep, spec, file_name, file_content, create_time, state, ending, reason,"
    " pending_runs, assigned_runs, running_runs, finished_runs, failed_runs, crashed_runs, stopped_runs,"
    " killed_runs, cursor, listed, observations, best_run, best_value, objective_seen, missing_runs,"
    " missing_keys, start_time, end_time, changed"
)
_RUN_KEPT = (
    "sweep_id, number, digest, repeat, occurrence, point, source, seed, point_index, observations_seen,"
    " engine, predicted_value, predicted_deviation, expected_improvement, create_time, state, reason, "
    " attempt, requeues, observation_row, iterations, best_value, worst_value, last_value, objective_logged,"
    " stop_mode, stop_reason, verdicts, logged_keys, start_time, end_time, changed"
)


def upgrade() -> None:
    """Make each table anew, as SQLite gives an old one no column that has to have a value."""
    op.rename_table("sweep", "old_sweep")
    _new_sweep()
    _copy("sweep", _SWEEP_KEPT, initial="0", guarded_from="0", revision="1", timed_from="start_time")
    op.rename_table("run", "old_run")
    _new_run()
    # A run that waits was handed out before; so far the best value was the only value there was.
    place = "case when state = 'pending' then 0 else number end"
    _copy("run", _RUN_KEPT, place=place, failures="0", total="0.0", value="best_value", stopping="'[]'")
    op.rename_table("rung", "old_rung")
    op.create_table(
        "rung",
        sa.Column("sweep_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rule", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rung", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    _copy("rung", "sweep_id, rung, run, value", rule="0")
    op.add_column("observation", sa.Column("best", sa.Float))
    op.execute("update observation set best = value where event = 'ended'")
    op.drop_index("event_of_sweep", "event")
    op.create_index("event_of_run", "event", ["sweep_id", "run", "number"])
    op.create_table(
        "agent_guard",
        sa.Column("sweep_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("agent", sa.Text, primary_key=True),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
    )


def _copy(table: str, kept: str, **new: str) -> None:
    columns, values = ", ".join(new), ", ".join(new.values())
    op.execute(f"insert into {table} ({kept}, {columns}) select {kept}, {values} from old_{table}")  # noqa: S608
    op.drop_table(f"old_{table}")


def _new_sweep() -> None:
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
        sa.Column("counted", sa.BigInteger),
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
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("initial", sa.BigInteger, nullable=False),
        sa.Column("listed", sa.Text),
        sa.Column("observations", sa.BigInteger, nullable=False),
        sa.Column("best_run", sa.BigInteger),
        sa.Column("best_value", sa.Float),
        sa.Column("objective_seen", sa.Boolean, nullable=False),
        sa.Column("missing_runs", sa.BigInteger, nullable=False),
        sa.Column("missing_keys", sa.Text, nullable=False),
        sa.Column("guarded_from", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("timed_from", sa.BigInteger, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("entity", "project", "sweep"),
    )


def _new_run() -> None:
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
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("requeues", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("observation_row", sa.BigInteger, nullable=False),
        sa.Column("iterations", sa.BigInteger, nullable=False),
        sa.Column("best_value", sa.Float),
        sa.Column("worst_value", sa.Float),
        sa.Column("last_value", sa.Float),
        sa.Column("total", sa.Float, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("objective_logged", sa.Boolean, nullable=False),
        sa.Column("stopping", sa.Text, nullable=False),
        sa.Column("stop_mode", sa.Text),
        sa.Column("stop_reason", sa.Text, nullable=False),
        sa.Column("verdicts", sa.Text, nullable=False),
        sa.Column("logged_keys", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("sweep_id", "digest", "repeat", "occurrence"),
    )
