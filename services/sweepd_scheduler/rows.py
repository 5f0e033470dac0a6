"""How sweeps, runs and attempts look as rows: the columns in order, and both directions."""

import json
from dataclasses import asdict

from sweepd.spec import to_document
from sweepd_scheduler.domain.runs.run import Attempt, Run
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.search.study import StudyNoted
from sweepd_scheduler.domain.states import RunState
from sweepd_scheduler.domain.sweeps.sweep import Sweep

Value = None | int | float | str | bytes

COUNT_COLUMNS = tuple(f"{state}_runs" for state in RunState)

# Columns that never change come first: an update leaves them alone. An edit alone writes `spec` again.
SWEEP_FIXED = (
    "id",
    "entity",
    "project",
    "sweep",
    "spec",
    "file_name",
    "file_content",
    "create_time",
    "counted",
    "prior_runs",
    "prior_points",
)
SWEEP_LIVE = (
    "state",
    "ending",
    "pause_cause",
    "reason",
    *COUNT_COLUMNS,
    "cursor",
    "initial",
    "listed",
    "observations",
    "best_run",
    "best_value",
    "objective_seen",
    "missing_runs",
    "missing_keys",
    "guarded_from",
    "revision",
    "timed_from",
    "start_time",
    "end_time",
)
RUN_FIXED = (
    "sweep_id",
    "number",
    "digest",
    "repeat",
    "occurrence",
    "point",
    "source",
    "seed",
    "point_index",
    "observations_seen",
    "study_length",
    "engine",
    "predicted_value",
    "predicted_deviation",
    "expected_improvement",
    "create_time",
)
RUN_LIVE = (
    "state",
    "reason",
    "place",
    "attempt",
    "requeues",
    "failures",
    "observation_row",
    "iterations",
    "best_value",
    "worst_value",
    "last_value",
    "total",
    "value",
    "objective_logged",
    "stopping",
    "stop_mode",
    "stop_reason",
    "verdicts",
    "logged_keys",
    "start_time",
    "end_time",
)
ATTEMPT_KEY = ("sweep_id", "run", "number")
ATTEMPT = (
    "agent",
    "host",
    "state",
    "exit_cause",
    "exit_code",
    "exit_signal",
    "exit_message",
    "reason",
    "argv",
    "resumed_from_step",
    "assign_time",
    "start_time",
    "end_time",
    "carried",
    "log_bytes",
    "secret_digest",
)
PRIOR = (
    "sweep_id",
    "number",
    "source",
    "point",
    "digest",
    "state",
    "iterations",
    "best_value",
    "worst_value",
    "last_value",
    "total",
    "value",
)


def sweep_fixed(sweep: Sweep) -> tuple[Value, ...]:
    """Return the values of the columns that never change."""
    file = sweep.file
    return (
        sweep.key,
        sweep.name.parent.entity,
        sweep.name.parent.project,
        sweep.name.id,
        spec_text(sweep),
        file.name if file else None,
        file.content if file else None,
        sweep.create_time,
        sweep.counted,
        sweep.prior_runs or None,
        sweep.prior_points or None,
    )


def place_text(place: int) -> str:
    """Return a place in an order of any length; hexadecimal where it is long, as Python limits digits."""
    return str(place) if place < 2**63 else hex(place)


def spec_text(sweep: Sweep) -> str:
    """Return the specification as it is stored."""
    return json.dumps(to_document(sweep.spec), ensure_ascii=False)


def sweep_live(sweep: Sweep) -> tuple[Value, ...]:
    """Return the values of the columns that change."""
    missing = sweep.objective_missing
    return (
        sweep.state,
        sweep.ending,
        sweep.pause_cause,
        sweep.reason,
        *sweep.counts.by_state,
        place_text(sweep.cursor),
        sweep.initial,
        None if sweep.listed is None else place_text(sweep.listed),
        sweep.observations,
        sweep.best.run if sweep.best else None,
        sweep.best.value if sweep.best else None,
        int(sweep.objective_seen),
        missing.consecutive_runs if missing else 0,
        json.dumps(missing.logged_keys) if missing else "[]",
        sweep.guarded_from,
        sweep.revision,
        sweep.timed_from,
        sweep.start_time,
        sweep.end_time,
    )


def run_fixed(run: Run) -> tuple[Value, ...]:
    """Return the values of the columns that never change."""
    origin = run.provenance
    return (
        run.sweep,
        run.number,
        run.digest,
        run.repeat,
        run.occurrence,
        json.dumps(run.point, ensure_ascii=False, separators=(",", ":")),
        origin.source,
        origin.seed,
        origin.index,
        origin.observations_seen,
        origin.study_length,
        origin.engine,
        origin.predicted_value,
        origin.predicted_deviation,
        origin.expected_improvement,
        run.create_time,
    )


def run_live(run: Run, value: float | None) -> tuple[Value, ...]:
    """Return the values of the columns that change; `value` is that for the search."""
    return (
        run.state,
        run.reason,
        run.place,
        run.attempt,
        run.requeues,
        run.failures,
        run.observation_row,
        run.values.iterations,
        run.values.best,
        run.values.worst,
        run.values.last,
        run.values.total,
        value,
        int(run.values.logged),
        json.dumps([asdict(each) if each else None for each in run.stopping]) if run.stopping else "[]",
        run.stop.mode if run.stop else None,
        run.stop.reason if run.stop else "",
        json.dumps([asdict(verdict) for verdict in run.verdicts]) if run.verdicts else "[]",
        json.dumps(run.logged_keys) if run.logged_keys else "[]",
        run.start_time,
        run.end_time,
    )


def attempt_row(attempt: Attempt) -> tuple[Value, ...]:
    """Return the values of an attempt's columns but for its key."""
    ended = attempt.exit
    return (
        attempt.agent,
        attempt.host,
        attempt.state,
        ended.cause if ended else None,
        ended.code if ended else None,
        ended.signal if ended else None,
        ended.message if ended else "",
        attempt.reason,
        json.dumps(attempt.argv) if attempt.argv else "[]",
        attempt.resumed_from_step,
        attempt.assign_time,
        attempt.start_time,
        attempt.end_time,
        _carried(attempt),
        attempt.log_bytes,
        attempt.secret_digest,
    )


def tags_text(tags: tuple[str, ...]) -> str:
    """Return tags as they are stored."""
    return json.dumps(tags, ensure_ascii=False, separators=(",", ":")) if tags else "[]"


def _carried(attempt: Attempt) -> str | None:
    if not (attempt.storage or attempt.preempting or attempt.checkpoints):
        return None
    document = {
        "storage": attempt.storage,
        "preempting": attempt.preempting,
        "checkpoints": [asdict(each) for each in attempt.checkpoints],
    }
    return json.dumps(document, separators=(",", ":"))


def prior_row(sweep: int, prior: PriorRun) -> tuple[Value, ...]:
    """Return the values of the columns of a prior run."""
    return (
        sweep,
        prior.index,
        prior.source,
        json.dumps(prior.point, ensure_ascii=False, separators=(",", ":")),
        prior.digest,
        prior.state,
        prior.values.iterations,
        prior.values.best,
        prior.values.worst,
        prior.values.last,
        prior.values.total,
        prior.value,
    )


def note_row(note: StudyNoted) -> tuple[Value, ...]:
    """Return the values of the columns of an observation."""
    values = (note.iterations, note.value, note.best, note.worst, note.last, note.outcome)
    return (note.sweep, note.number, note.run, note.event, *values)
