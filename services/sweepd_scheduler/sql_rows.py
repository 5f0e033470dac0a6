"""Rows of one connection, read as what they stand for."""

import json
import sqlite3
from collections.abc import Iterable, Iterator

from sweepd_scheduler import rows_read
from sweepd_scheduler.domain.decision import Happened, Outcome, StudyEvent, StudyNoted
from sweepd_scheduler.domain.events import Known
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.run import AttemptState, Run, RunState
from sweepd_scheduler.ports import Changed, StudyLine
from sweepd_scheduler.weight import page, run_weight


def sweep_row(connection: sqlite3.Connection, name: SweepName) -> sqlite3.Row | None:
    """Return the row of a sweep; None if there is none."""
    found: sqlite3.Row | None = connection.execute(
        "select * from sweep where entity = ? and project = ? and sweep = ?",
        (name.parent.entity, name.parent.project, name.id),
    ).fetchone()
    return found


def runs(connection: sqlite3.Connection, name: SweepName, found: Iterable[sqlite3.Row]) -> Iterator[Run]:
    """Read runs one after the other."""
    return (run for run, _ in runs_with_numbers(connection, name, found))


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
    row = connection.execute(
        "select r.sweep_id, r.number, r.attempt, r.state, r.observation_row, a.state as attempt_state,"
        " a.resumed_from_step, d.sequence from sweep s"
        " join run r on r.sweep_id = s.id and r.number = ?"
        " join attempt a on a.sweep_id = s.id and a.run = r.number and a.number = ?"
        " left join run_details d on d.sweep_id = s.id and d.run = r.number and d.attempt = a.number"
        " where s.entity = ? and s.project = ? and s.sweep = ?",
        (name.number, number, name.sweep.parent.entity, name.sweep.parent.project, name.sweep.id),
    ).fetchone()
    if row is None:
        return None
    return Known(
        key=(row["sweep_id"], row["number"]),
        run_state=RunState(row["state"]),
        state=AttemptState(row["attempt_state"]),
        observation_row=row["observation_row"] if row["attempt"] == number else 0,
        resumed_from_step=row["resumed_from_step"],
        details_sequence=row["sequence"] or 0,
    )
