"""Stores what the owner decides, in SQLite: one transaction a turn, one prepared statement a table."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar, cast

from sweepd_kernel import pairing_sql
from sweepd_kernel.database import DEFECTS, close_whole, open_sqlite, storage_error
from sweepd_kernel.errors import DatabasesDifferError, StorageError
from sweepd_kernel.pairing.comparison import REMEDY, Database, Peer
from sweepd_scheduler import rows, rows_read
from sweepd_scheduler.domain.decision import (
    AttemptChanged,
    Change,
    DetailsChanged,
    GuardChanged,
    Happened,
    PriorRunsTaken,
    RunChanged,
    RungReached,
    SweepChanged,
    SweepEdited,
)
from sweepd_scheduler.domain.requests.remembered import (
    ALL_PROJECTS,
    EVERYBODY,
    Owner,
    Recollection,
    Remembered,
    RequestKey,
    Used,
    charged,
)
from sweepd_scheduler.domain.search.prior_runs import notes_of
from sweepd_scheduler.domain.search.study import StudyNoted
from sweepd_scheduler.domain.states import FINAL_SWEEP, SweepState
from sweepd_scheduler.domain.stored import EndedSweep, Stored
from sweepd_scheduler.ports import Loaded
from sweepd_scheduler.sql_statements import (
    ADD_TO_QUOTA,
    DROP_GUARD,
    DROP_RUNG,
    FORGET_REQUESTS,
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
FORGOTTEN_AT_ONCE = 500
C = TypeVar("C", bound=Change)
Statement = tuple[str, list[tuple[rows.Value, ...]]]


class SqliteStore:
    """The writing side of the scheduler's database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_sqlite(path)
        self._connection.row_factory = sqlite3.Row
        self._counter = pairing_sql.Counter()
        self._file = _file_at(path)
        pairing_sql.ensure_identity(self._connection)

    def commit(self, changes: Sequence[Change], number: int) -> None:
        """Store all changes durably in one transaction, or nothing."""
        with self._transaction():
            for statement, values in grouped(changes, number):
                self._connection.executemany(statement, values)
            self._counter.count(self._connection, number)
        self._counter.settle()

    def database(self) -> Database:
        """Return which database this is, and what it remembers of the metric store's.

        Raises:
            DatabasesDifferError: another file stands in its place, or none: what is written now is lost.
            StorageError: it cannot be read.
        """
        if self._path.parent.is_dir() and _file_at(self._path) != self._file:
            text = f"{self._path} was removed or replaced while it was in use: {REMEDY}"
            raise DatabasesDifferError(text, str(self._path), "")
        try:
            return pairing_sql.read(self._connection, str(self._path))
        except sqlite3.Error as error:
            raise storage_error(error, SERVICE, self._path) from error

    def remember_metric_store(self, peer: Peer) -> None:
        """Store what is known of the metric store's database."""
        with self._transaction():
            pairing_sql.remember(self._connection, peer)

    def load(self) -> Loaded:
        """Return what is held in memory."""
        try:
            return self._load()
        except sqlite3.Error as error:
            raise storage_error(error, SERVICE, self._path) from error

    def _load(self) -> Loaded:
        connection = self._connection
        ended: list[tuple[int, EndedSweep]] = []
        going: list[Stored] = []
        for row in connection.execute("select * from sweep order by id"):
            unfinished = row["pending_runs"] + row["assigned_runs"] + row["running_runs"]
            if row["state"] in FINAL_SWEEP and not unfinished:
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
        return Loaded(
            sweeps=tuple(going),
            ended=tuple(ended),
            newest_request=connection.execute("select max(time) from request").fetchone()[0] or 0,
            number=self._last_number(),
        )

    def recall(self, keys: Collection[RequestKey], forget_before: int) -> Recollection:
        """Return what is remembered of some requests and their quotas; forget what is old, some at a time."""
        try:
            with suppress(StorageError):  # what cannot be forgotten now stays, and so does its room
                self._forget(forget_before)
            owners = {owner for key in keys for owner in charged(key)} | {EVERYBODY}
            used = {owner: self._used(owner) for owner in owners}
            found = [(key, self._request(key)) for key in keys]
        except sqlite3.Error as error:
            raise storage_error(error, SERVICE, self._path) from error
        return Recollection(requests={key: each for key, each in found if each}, used=used)

    def close(self) -> None:
        """Let go of the database."""
        close_whole(self._connection)

    def _request(self, key: RequestKey) -> Remembered | None:
        row = self._connection.execute(
            "select fingerprint, response, time from request where account = ? and project = ? and id = ?",
            (key.account, key.project, key.request_id),
        ).fetchone()
        if row is None:
            return None
        return Remembered(key=key, fingerprint=row["fingerprint"], response=row["response"], time=row["time"])

    def _used(self, owner: Owner) -> Used:
        execute = self._connection.execute
        where, count = " where account = ? and project = ?", 2
        if owner == EVERYBODY:
            where, count = "", 0
        elif owner[1] == ALL_PROJECTS:
            where, count = " where account = ?", 1
        row = execute(
            "select size_bytes from request_quota where account = ? and project = ?", owner
        ).fetchone()
        (oldest,) = execute(f"select min(time) from request{where}", owner[:count]).fetchone()  # noqa: S608 (constants)
        return Used(size_bytes=row["size_bytes"] if row else 0, oldest=oldest or 0)

    def _forget(self, before: int) -> None:
        """Forget requests that are old: a bounded number, as agents wait for commits meanwhile."""
        connection = self._connection
        oldest = connection.execute("select min(time) from request").fetchone()[0]
        if oldest is None or oldest >= before:
            return
        with self._transaction():
            gone = connection.execute(FORGET_REQUESTS, (before, FORGOTTEN_AT_ONCE)).fetchall()
            freed = [(account, project, -size) for account, project, size in gone]
            freed += [(account, ALL_PROJECTS, -size) for account, _, size in gone]
            freed.append((*EVERYBODY, -sum(size for _, _, size in gone)))
            connection.executemany(ADD_TO_QUOTA, freed)
            connection.execute("delete from request_quota where size_bytes <= 0")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Store all that is written within durably, or nothing."""
        connection = self._connection
        try:
            connection.execute("begin immediate")
            yield
            connection.execute("commit")
        except BaseException as error:
            if connection.in_transaction:
                connection.rollback()
            if isinstance(error, sqlite3.Error) and not isinstance(error, DEFECTS):
                raise storage_error(error, SERVICE, self._path) from error
            raise

    def _last_number(self) -> int:
        """Return the number of the newest commit; not every commit has rows that are marked with it."""
        return int(self._connection.execute("select number from identity").fetchone()[0])


class _Changes:
    """The changes of a turn by their kind, each in their order."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._by_kind: defaultdict[type, list[Change]] = defaultdict(list)
        for change in changes:
            self._by_kind[type(change)].append(change)

    def of(self, kind: type[C]) -> list[C]:
        return cast("list[C]", self._by_kind[kind])


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return which file a path leads to, as device and number; None if to none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def grouped(all_changes: Sequence[Change], number: int) -> Iterator[Statement]:
    """Return one statement a table with its rows; of what changed several times the newest alone."""
    changes = _Changes(all_changes)
    sweeps = {change.sweep.key: change.sweep for change in changes.of(SweepChanged)}
    runs = {change.run.key: change for change in changes.of(RunChanged)}
    new_sweeps = {change.sweep.key for change in changes.of(SweepChanged) if change.new}
    new_runs = {change.run.key for change in changes.of(RunChanged) if change.new}
    yield from _if_any(
        INSERT_SWEEP,
        [(*rows.sweep_fixed(s), *rows.sweep_live(s), number) for k, s in sweeps.items() if k in new_sweeps],
    )
    yield from _if_any(
        UPDATE_SWEEP, [(*rows.sweep_live(s), number, k) for k, s in sweeps.items() if k not in new_sweeps]
    )
    yield from _if_any(
        UPDATE_SPEC, [(rows.spec_text(each.sweep), each.sweep.key) for each in changes.of(SweepEdited)]
    )
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
    attempts = {(each.key, each.attempt.number): each.attempt for each in changes.of(AttemptChanged)}
    yield from _if_any(
        PUT_ATTEMPT, [(*key, number, *rows.attempt_row(each)) for (key, number), each in attempts.items()]
    )
    yield from _guards(changes.of(GuardChanged))
    told = changes.of(DetailsChanged)
    yield from _if_any(PUT_DETAILS, [(*each.key, each.attempt, each.sequence, each.body) for each in told])
    yield from _if_any(NAME_RUN, [_naming_row(each, number) for each in told])
    yield from _priors(changes.of(PriorRunsTaken))
    yield from _rungs(changes.of(RungReached))
    yield from _if_any(INSERT_OBSERVATION, [rows.note_row(note) for note in changes.of(StudyNoted)])
    yield from _if_any(INSERT_EVENT, [_event_row(line) for line in changes.of(Happened)])
    yield from _requests(changes.of(Remembered))


def _guards(changes: Sequence[GuardChanged]) -> Iterator[Statement]:
    newest = {(change.sweep, change.agent): change.guarded for change in changes}
    yield from _if_any(
        PUT_GUARD,
        [(*key, each.failures, each.quarantine, each.reason) for key, each in newest.items() if each],
    )
    yield from _if_any(DROP_GUARD, [key for key, each in newest.items() if not each])


def _priors(taken: Sequence[PriorRunsTaken]) -> Iterator[Statement]:
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


def _rungs(reached: Sequence[RungReached]) -> Iterator[Statement]:
    rungs = {(each.sweep, each.rule, each.rung, each.run): each.value for each in reached}
    yield from _if_any(PUT_RUNG, [(*key, value) for key, value in rungs.items() if value is not None])
    yield from _if_any(DROP_RUNG, [key for key, value in rungs.items() if value is None])


def _requests(remembered: Sequence[Remembered]) -> Iterator[Statement]:
    values: list[tuple[rows.Value, ...]] = [
        (*each.key.owner, each.key.request_id, each.fingerprint, each.time, each.size_bytes, each.response)
        for each in remembered
    ]
    yield from _if_any(INSERT_REQUEST, values)
    taken = [(owner, each.size_bytes) for each in remembered for owner in charged(each.key)]
    yield from _if_any(ADD_TO_QUOTA, [(*owner, size) for owner, size in taken])


def _naming_row(told: DetailsChanged, number: int) -> tuple[rows.Value, ...]:
    name, tags = told.display_name, rows.tags_text(told.tags)
    return (name, tags, number, *told.key, name, tags, told.attempt, told.sequence)


def _event_row(line: Happened) -> tuple[rows.Value, ...]:
    detail = json.dumps(dict(line.detail), ensure_ascii=False) if line.detail else "{}"
    return (line.number, line.time, line.sweep, line.run, line.attempt, line.kind, detail)


def _if_any(statement: str, values: list[tuple[rows.Value, ...]]) -> Iterator[Statement]:
    if values:
        yield statement, values
