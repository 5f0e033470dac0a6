"""Reads of what the owner holds in memory: at its start, and when a sweep is reopened."""

from sweepd_kernel.sql.database import Connection, Row
from sweepd_scheduler.domain.names import Parent, SweepName
from sweepd_scheduler.domain.runs.values import EndedTrial
from sweepd_scheduler.domain.sweep_index import RECENT_RUNS
from sweepd_scheduler.domain.sweeps.sweep import EndedSweep, StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, RunState, SweepState
from sweepd_scheduler.store import queries
from sweepd_scheduler.store.ports import Loaded
from sweepd_scheduler.store.tables_sql import AGENT_GUARD, RUN, SWEEP, agent_guard_of, sweep_of

_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL_RUN))
_UNFINISHED = "pending_runs + assigned_runs + running_runs"


def load(connection: Connection) -> Loaded:
    """Return all that is held in memory."""
    ended: list[tuple[int, EndedSweep]] = []
    active: list[int] = []
    columns = f"id, entity, project, sweep, state, reason, end_time, revision, {_UNFINISHED}"
    for row in connection.execute(f"select {columns} from sweep order by id"):
        key, entity, project, sweep, state, reason, end_time, revision, unfinished = row
        if state in FINAL_SWEEP and not unfinished:
            sweep_ended = EndedSweep(
                name=SweepName(Parent(entity, project), sweep),
                state=SweepState(state),
                reason=reason,
                end_time=end_time,
                revision=revision,
            )
            ended.append((key, sweep_ended))
        else:
            active.append(key)
    at = f"select {SWEEP} from sweep where id = ?"
    sweeps = (row for key in active for row in connection.execute(at, (key,)))
    number = connection.execute("select number from identity").first()
    return Loaded(
        sweeps=tuple(stored_sweep(connection, row) for row in sweeps),
        ended=tuple(ended),
        newest_request=_newest_request(connection),
        # Not every commit has rows that are marked with its number.
        number=number[0] if number else 0,
    )


def stored_sweep(connection: Connection, row: Row) -> StoredSweep:
    """Return what is held in memory of the sweep of a row."""
    sweep = sweep_of(row)
    key = sweep.key
    live = connection.execute(
        f"select {RUN} from run where sweep_id = ? and state not in ({_FINAL})",
        (key,),
    ).all()
    digests = connection.execute(
        "select digest, count(*) from"
        " (select digest from run where sweep_id = ? and repeat = 0"
        " union all select digest from prior_run where sweep_id = ?) as points group by digest",
        (key, key),
    )
    times = connection.execute(
        "select end_time - start_time from run where sweep_id = ? and start_time > 0 and end_time > 0",
        (key,),
    )
    guards = connection.execute(
        f"select {AGENT_GUARD}, agent from agent_guard where sweep_id = ?",
        (key,),
    )
    return StoredSweep(
        sweep=sweep,
        runs=tuple(queries.runs(connection, sweep.name, live)),
        digests=dict(digests),
        rung_values=_rung_values(connection, sweep),
        durations=tuple(time / 1e6 for (time,) in times),
        ended=_ended(connection, key),
        recent=_recent(connection, sweep),
        guards={row[-1]: agent_guard_of(row) for row in guards},
    )


def _rung_values(connection: Connection, sweep: Sweep) -> dict[tuple[int, int], dict[int, float]]:
    """Return them by rule and rung. There can be a million: no row costs more than it has to."""
    numbers = range(-sweep.prior_runs, sweep.counts.total + 1)
    shared = dict(zip(numbers, numbers, strict=True))  # one integer for a run, at all of its rungs
    keys = connection.execute("select distinct rule, rung from rung where sweep_id = ?", (sweep.key,)).all()
    at = "select run, value from rung where sweep_id = ? and rule = ? and rung = ?"
    return {
        (rule, rung): {shared[run]: value for run, value in connection.execute(at, (sweep.key, rule, rung))}
        for rule, rung in keys
    }


def _ended(connection: Connection, key: int) -> tuple[tuple[int, EndedTrial], ...]:
    found = connection.execute(
        "select number - repeat, state, attempt, value, values_best, values_worst, values_last,"
        f" values_iterations from run where sweep_id = ? and state in ({_FINAL}) order by number",
        (key,),
    )
    return tuple(
        (
            first,
            EndedTrial(
                state=RunState(state),
                tried=attempt > 0,
                value=value,
                best=best,
                worst=worst,
                last=last,
                iterations=iterations,
            ),
        )
        for first, state, attempt, value, best, worst, last, iterations in found
    )


def _recent(connection: Connection, sweep: Sweep) -> tuple[bool, ...]:
    count = max(0, min(RECENT_RUNS, sweep.counts.ended - sweep.guarded_from))
    found = connection.execute(
        f"select state from run where sweep_id = ? and state in ({_FINAL})"
        " order by end_time desc, number desc limit ?",
        (sweep.key, count),
    ).all()
    return tuple(state == RunState.FAILED for (state,) in reversed(found))


def _newest_request(connection: Connection) -> int:
    """Return the time of the newest request; 0: there is none."""
    row = connection.execute("select max(time) from request").first()
    return row[0] or 0 if row else 0
