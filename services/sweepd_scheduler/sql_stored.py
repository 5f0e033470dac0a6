"""Reads what the owner holds of a sweep: at its start, and when the sweep is to go on again."""

import sqlite3

from sweepd_scheduler import rows_read
from sweepd_scheduler.domain.runs.values import Ended
from sweepd_scheduler.domain.states import FINAL_RUN, RunState
from sweepd_scheduler.domain.stored import Stored
from sweepd_scheduler.domain.sweep_index import RECENT_RUNS
from sweepd_scheduler.domain.sweeps.sweep import Sweep

_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL_RUN))


def stored_sweep(connection: sqlite3.Connection, row: sqlite3.Row) -> Stored:
    """Return what is held in memory of the sweep of a row."""
    key, sweep = row["id"], rows_read.sweep(row)
    live = connection.execute(
        f"select * from run where sweep_id = ? and state not in ({_FINAL})",  # noqa: S608 (our own words)
        (key,),
    ).fetchall()
    attempts = (
        connection.execute(
            "select * from attempt where sweep_id = ? and run = ? order by number", (key, run["number"])
        )
        for run in live
    )
    digests = connection.execute(
        "select digest, count(*) as times from"
        " (select digest from run where sweep_id = ? and repeat = 0"
        " union all select digest from prior_run where sweep_id = ?) group by digest",
        (key, key),
    )
    times = connection.execute(
        "select end_time - start_time from run where sweep_id = ? and start_time > 0 and end_time > 0",
        (key,),
    )
    guards = connection.execute("select * from agent_guard where sweep_id = ?", (key,))
    return Stored(
        sweep=sweep,
        runs=tuple(rows_read.run(run, sweep.name, tries) for run, tries in zip(live, attempts, strict=True)),
        digests={row["digest"]: row["times"] for row in digests},
        rung_values=_rung_values(connection, sweep),
        durations=tuple(time / 1e6 for (time,) in times),
        ended=_ended(connection, key),
        recent=_recent(connection, sweep),
        guards={row["agent"]: rows_read.guarded(row) for row in guards},
    )


def _rung_values(connection: sqlite3.Connection, sweep: Sweep) -> dict[tuple[int, int], dict[int, float]]:
    """Return them by rule and rung. There can be a million: no row costs more than it has to."""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples, as the driver makes them
    numbers = range(-sweep.prior_runs, sweep.counts.total + 1)
    shared = dict(zip(numbers, numbers, strict=True))  # one integer for a run, at all of its rungs
    keys = cursor.execute("select distinct rule, rung from rung where sweep_id = ?", (sweep.key,)).fetchall()
    at = "select run, value from rung where sweep_id = ? and rule = ? and rung = ?"
    return {
        (rule, rung): {shared[run]: value for run, value in cursor.execute(at, (sweep.key, rule, rung))}
        for rule, rung in keys
    }


def _ended(connection: sqlite3.Connection, key: int) -> tuple[tuple[int, Ended], ...]:
    found = connection.execute(
        "select number - repeat, state, attempt > 0, value, best_value, worst_value, last_value, iterations"  # noqa: S608 (our own)
        f" from run where sweep_id = ? and state in ({_FINAL}) order by number",
        (key,),
    )
    return tuple(
        (
            first,
            Ended(
                state=RunState(state),
                tried=bool(tried),
                value=value,
                best=best,
                worst=worst,
                last=last,
                iterations=iterations,
            ),
        )
        for first, state, tried, value, best, worst, last, iterations in found
    )


def _recent(connection: sqlite3.Connection, sweep: Sweep) -> tuple[bool, ...]:
    count = max(0, min(RECENT_RUNS, sweep.counts.ended - sweep.guarded_from))
    found = connection.execute(
        f"select state from run where sweep_id = ? and state in ({_FINAL})"  # noqa: S608 (our own words)
        " order by end_time desc, number desc limit ?",
        (sweep.key, count),
    )
    return tuple(state == RunState.FAILED for (state,) in found)[::-1]
