"""Rows of one connection, read as what they stand for."""

import json
import sqlite3
from collections.abc import Iterable, Iterator

from sweepd_scheduler import rows_read
from sweepd_scheduler.domain.agents.agent import Known
from sweepd_scheduler.domain.decision import Happened
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.search.study import Outcome, StudyEvent, StudyNoted
from sweepd_scheduler.domain.states import AttemptState, RunState
from sweepd_scheduler.domain.sweeps.figures import RunValue
from sweepd_scheduler.message_size import page, run_weight
from sweepd_scheduler.ports import Changed, StudyLine, TriedPoint


def sweep_row(connection: sqlite3.Connection, name: SweepName) -> sqlite3.Row | None:
    """Return the row of a sweep; None if there is none."""
    found: sqlite3.Row | None = connection.execute(
        "select * from sweep where entity = ? and project = ? and sweep = ?",
        (name.parent.entity, name.parent.project, name.id),
    ).fetchone()
    return found


def run_row(connection: sqlite3.Connection, name: RunName) -> tuple[sqlite3.Row, SweepName] | None:
    """Return the row of a run, and the name of its sweep; None if there is none."""
    sweep = sweep_row(connection, name.sweep)
    if sweep is None:
        name = name.by_itself()
        sweep = sweep_row(connection, name.sweep)
    if sweep is None:
        return None
    key, value = ("digest", name.id.encode()) if name.sweep.stands_for_none else ("number", name.number)
    found: sqlite3.Row | None = connection.execute(
        f"select * from run where sweep_id = ? and {key} = ?",  # noqa: S608 (our own names)
        (sweep["id"], value),
    ).fetchone()
    return None if found is None else (found, name.sweep)


def runs(connection: sqlite3.Connection, name: SweepName, found: Iterable[sqlite3.Row]) -> Iterator[Run]:
    """Read runs one after the other."""
    return (run for run, _ in runs_with_numbers(connection, name, found))


def runs_by_key(connection: sqlite3.Connection, keys: Iterable[sqlite3.Row]) -> Iterator[Run]:
    """Read runs of several sweeps one after the other; each row has the key of one."""
    names: dict[int, SweepName] = {}
    for sweep_id, number in keys:
        if sweep_id not in names:
            sweep = connection.execute("select * from sweep where id = ?", (sweep_id,)).fetchone()
            names[sweep_id] = rows_read.sweep_name(sweep)
        found = connection.execute("select * from run where sweep_id = ? and number = ?", (sweep_id, number))
        yield from runs(connection, names[sweep_id], found)


def runs_with_numbers(
    connection: sqlite3.Connection, name: SweepName, found: Iterable[sqlite3.Row]
) -> Iterator[tuple[Run, int]]:
    """Read runs one after the other, each with the number of its newest change."""
    for row in found:
        attempts = connection.execute(
            "select * from attempt where sweep_id = ? and run = ? order by number",
            (row["sweep_id"], row["number"]),
        )
        yield rows_read.run(row, name, attempts), row["changed"]


def changed(
    connection: sqlite3.Connection, row: sqlite3.Row, found: Iterable[sqlite3.Row], limit: int
) -> Changed:
    """Return a sweep and some of its runs, as many as fit, with the number of their newest change."""
    sweep = rows_read.sweep(row)
    part = page(runs_with_numbers(connection, sweep.name, found), limit, lambda each: run_weight(each[0]))
    return Changed(
        sweep=sweep,
        runs=tuple(run for run, _ in part.entries),
        number=max(row["changed"], *(number for _, number in part.entries), 0),
        more=part.more,
    )


def line(row: sqlite3.Row) -> StudyLine:
    """Return the observation of a row."""
    note = StudyNoted(
        sweep=row["sweep_id"],
        number=row["number"],
        run=row["run"],
        event=StudyEvent(row["event"]),
        iterations=row["iterations"],
        value=row["value"],
        best=row["best"],
        worst=row["worst"],
        last=row["last"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
    )
    return StudyLine(note=note, point=json.loads(row["point"]) if row["point"] else None)


def tried_point(row: sqlite3.Row) -> TriedPoint:
    """Return the point of a row, and its value."""
    return TriedPoint(row["number"], json.loads(row["point"]), row["value"])


def run_value(row: sqlite3.Row) -> RunValue:
    """Return what the run of a row shows."""
    number, repeat, state, end_time, value = row
    return RunValue(number, number - repeat, RunState(state), end_time, value)


def happened(row: sqlite3.Row) -> Happened:
    """Return the line of the record of a row."""
    return Happened(
        number=row["number"],
        time=row["time"],
        sweep=row["sweep_id"],
        kind=row["kind"],
        run=row["run"],
        attempt=row["attempt"],
        detail=json.loads(row["detail"]),
    )


def known(connection: sqlite3.Connection, name: RunName, number: int) -> Known | None:
    """Return what is stored of an attempt; None if there is nothing."""
    found = run_row(connection, name)
    if found is None:
        return None
    row, sweep = found
    tried = connection.execute(
        "select a.state, a.resumed_from_step, a.secret_digest, d.sequence from attempt a"
        " left join run_details d on d.sweep_id = a.sweep_id and d.run = a.run and d.attempt = a.number"
        " where a.sweep_id = ? and a.run = ? and a.number = ?",
        (row["sweep_id"], row["number"], number),
    ).fetchone()
    if tried is None:
        return None
    return Known(
        key=(row["sweep_id"], row["number"]),
        run=str(name.by_itself()) if sweep.stands_for_none else str(name),
        sweep=str(sweep),
        run_state=RunState(row["state"]),
        state=AttemptState(tried["state"]),
        observation_row=row["observation_row"] if row["attempt"] == number else 0,
        resumed_from_step=tried["resumed_from_step"],
        details_sequence=tried["sequence"] or 0,
        secret_digest=tried["secret_digest"],
    )
