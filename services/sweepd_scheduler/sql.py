"""Stores what the owner decides, in SQLite: one transaction a turn, one prepared statement a table."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweepd_kernel.database import DEFECTS, open_sqlite, storage_error
from sweepd_scheduler import rows, rows_read
from sweepd_scheduler.domain.decision import (
    AttemptChanged,
    Change,
    DetailsChanged,
    GuardChanged,
    Happened,
    PriorRunsTaken,
    Remembered,
    RunChanged,
    RungReached,
    StudyNoted,
    SweepChanged,
    SweepEdited,
)
from sweepd_scheduler.domain.prior.notes import notes_of
from sweepd_scheduler.domain.runs.run import Attempt, RunKey
from sweepd_scheduler.domain.stored import EndedSweep, Stored
from sweepd_scheduler.domain.sweeps.sweep import FINAL as SWEEP_FINAL
from sweepd_scheduler.domain.sweeps.sweep import SweepState
from sweepd_scheduler.ports import Loaded
from sweepd_scheduler.sql_statements import (
    DROP_GUARD,
    DROP_RUNG,
    INSERT_EVENT,
    INSERT_OBSERVATION,
    INSERT_PRIOR,
    INSERT_REQUEST,
    INSERT_RUN,
    INSERT_SWEEP,
    NAME_RUN,
    PUT_ATTEMPT,
    PUT_DETAILS,
    PUT_GUARD,
    PUT_RUNG,
    UPDATE_RUN,
    UPDATE_SPEC,
    UPDATE_SWEEP,
)
from sweepd_scheduler.sql_stored import stored_sweep

SERVICE = "scheduler"
Statement = tuple[str, list[tuple[rows.Value, ...]]]


class SqliteStore:
    """The writing side of the scheduler's database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_sqlite(path)
        self._connection.row_factory = sqlite3.Row

    def commit(self, changes: Sequence[Change], number: int, forget_before: int) -> None:
        """Store all changes durably in one transaction, or nothing."""
        connection = self._connection
        try:
            connection.execute("begin immediate")
            for statement, values in grouped(changes, number):
                connection.executemany(statement, values)
            if any(isinstance(change, Remembered) for change in changes):
                connection.execute("delete from request where time < ?", (forget_before,))
            connection.execute("commit")
        except BaseException as error:
            if connection.in_transaction:
                connection.rollback()
            if isinstance(error, sqlite3.Error) and not isinstance(error, DEFECTS):
                raise storage_error(error, SERVICE, self._path) from error
            raise

    def load(self, forget_before: int) -> Loaded:
        """Return what is held in memory."""
        connection = self._connection
        ended: list[tuple[int, EndedSweep]] = []
        going: list[Stored] = []
        for row in connection.execute("select * from sweep order by id"):
            unfinished = row["pending_runs"] + row["assigned_runs"] + row["running_runs"]
            if row["state"] in SWEEP_FINAL and not unfinished:
                over = EndedSweep(
                    name=rows_read.sweep_name(row),
                    state=SweepState(row["state"]),
                    reason=row["reason"],
                    end_time=row["end_time"],
                    revision=row["revision"],
                )
                ended.append((row["id"], over))
            else:
                going.append(stored_sweep(connection, row))
        requests = connection.execute(
            "select id, fingerprint, answer, time from request where time >= ? order by time",
            (forget_before,),
        )
        return Loaded(
            sweeps=tuple(going),
            ended=tuple(ended),
            requests=tuple(
                Remembered(request_id=name, fingerprint=fingerprint, answer=answer, time=time)
                for name, fingerprint, answer, time in requests
            ),
            number=self._last_number(),
        )

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _last_number(self) -> int:
        queries = (
            "select max(number) from event",
            "select max(changed) from sweep",
            "select max(changed) from run",
        )
        return max(self._connection.execute(query).fetchone()[0] or 0 for query in queries)


def grouped(changes: Sequence[Change], number: int) -> Iterator[Statement]:
    """Return one statement a table with its rows; of what changed several times the newest alone."""
    sweeps = {change.sweep.key: change.sweep for change in changes if isinstance(change, SweepChanged)}
    runs = {change.run.key: change for change in changes if isinstance(change, RunChanged)}
    new_sweeps = {change.sweep.key for change in changes if isinstance(change, SweepChanged) and change.new}
    new_runs = {change.run.key for change in changes if isinstance(change, RunChanged) and change.new}
    yield from _if_any(
        INSERT_SWEEP,
        [(*rows.sweep_fixed(s), *rows.sweep_live(s), number) for k, s in sweeps.items() if k in new_sweeps],
    )
    yield from _if_any(
        UPDATE_SWEEP, [(*rows.sweep_live(s), number, k) for k, s in sweeps.items() if k not in new_sweeps]
    )
    edited = [each.sweep for each in changes if isinstance(each, SweepEdited)]
    yield from _if_any(UPDATE_SPEC, [(rows.spec_text(sweep), sweep.key) for sweep in edited])
    yield from _if_any(
        INSERT_RUN,
        [
            (*rows.run_fixed(r.run), *rows.run_live(r.run, r.value), number)
            for k, r in runs.items()
            if k in new_runs
        ],
    )
    yield from _if_any(
        UPDATE_RUN,
        [(*rows.run_live(r.run, r.value), number, *k) for k, r in runs.items() if k not in new_runs],
    )
    yield from _attempts(changes)
    yield from _guards(changes)
    told = [each for each in changes if isinstance(each, DetailsChanged)]
    yield from _if_any(PUT_DETAILS, [(*each.key, each.attempt, each.sequence, each.body) for each in told])
    yield from _if_any(
        NAME_RUN,
        [(t.display_name, number, *t.key, t.display_name, t.attempt, t.sequence) for t in told],
    )
    yield from _priors(changes)
    yield from _appended(changes)


def _attempts(changes: Sequence[Change]) -> Iterator[Statement]:
    attempts: dict[tuple[RunKey, int], Attempt] = {
        (change.key, change.attempt.number): change.attempt
        for change in changes
        if isinstance(change, AttemptChanged)
    }
    yield from _if_any(
        PUT_ATTEMPT, [(*key, number, *rows.attempt_row(each)) for (key, number), each in attempts.items()]
    )


def _guards(changes: Sequence[Change]) -> Iterator[Statement]:
    newest = {(c.sweep, c.agent): c.guarded for c in changes if isinstance(c, GuardChanged)}
    yield from _if_any(
        PUT_GUARD, [(*key, each.failures, int(each.held)) for key, each in newest.items() if each]
    )
    yield from _if_any(DROP_GUARD, [key for key, each in newest.items() if not each])


def _priors(changes: Sequence[Change]) -> Iterator[Statement]:
    taken = [change for change in changes if isinstance(change, PriorRunsTaken)]
    yield from _if_any(
        INSERT_PRIOR, [rows.prior_row(each.sweep.key, prior) for each in taken for prior in each.runs]
    )
    rungs = (
        (each.sweep.key, rule, rung, prior.number, value)
        for each in taken
        for prior in each.runs
        for rule, rung, value in prior.rungs
    )
    yield from _if_any(PUT_RUNG, sorted(rungs))  # as they lie in the table, which takes them faster then
    notes = (note for each in taken for note in notes_of(each.sweep, each.runs))
    yield from _if_any(INSERT_OBSERVATION, [rows.note_row(note) for note in notes])


def _appended(changes: Sequence[Change]) -> Iterator[Statement]:
    rungs: dict[tuple[int, int, int, int], float | None] = {}
    notes: list[tuple[rows.Value, ...]] = []
    lines: list[tuple[rows.Value, ...]] = []
    requests: list[tuple[rows.Value, ...]] = []
    for change in changes:
        match change:
            case RungReached():
                rungs[change.sweep, change.rule, change.rung, change.run] = change.value
            case StudyNoted():
                notes.append(rows.note_row(change))
            case Happened() as h:
                detail = json.dumps(dict(h.detail), ensure_ascii=False) if h.detail else "{}"
                lines.append((h.number, h.time, h.sweep, h.run, h.attempt, h.kind, detail))
            case Remembered() as r:
                requests.append((r.request_id, r.fingerprint, r.answer, r.time))
    yield from _if_any(PUT_RUNG, [(*key, value) for key, value in rungs.items() if value is not None])
    yield from _if_any(DROP_RUNG, [key for key, value in rungs.items() if value is None])
    yield from _if_any(INSERT_OBSERVATION, notes)
    yield from _if_any(INSERT_EVENT, lines)
    yield from _if_any(INSERT_REQUEST, requests)


def _if_any(statement: str, values: list[tuple[rows.Value, ...]]) -> Iterator[Statement]:
    if values:
        yield statement, values
