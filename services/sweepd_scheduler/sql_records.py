"""Reads what was committed, for people and for the study; never waits for the owner."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sweepd.spec import Goal
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_kernel.database import open_sqlite, storage_error
from sweepd_scheduler import rows, rows_read, sql_places, sql_rows
from sweepd_scheduler.domain.agents.agent import Known
from sweepd_scheduler.domain.decision import Happened
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.states import RunState, SweepState
from sweepd_scheduler.domain.stored import Stored
from sweepd_scheduler.domain.sweeps.figures import FACTOR, RunValue, Share
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.message_size import Page, page, point_weight, prior_weight, run_weight, sweep_weight
from sweepd_scheduler.ports import (
    Changed,
    ProjectCounts,
    RunPlace,
    RunPosition,
    StudyLine,
    TriedPoint,
)
from sweepd_scheduler.sql import SERVICE
from sweepd_scheduler.sql_query import Query
from sweepd_scheduler.sql_stored import stored_sweep

_LISTED = ", ".join(
    (*(name for name in rows.SWEEP_FIXED if not name.startswith("file_")), "changed", *rows.SWEEP_LIVE)
)


class SqliteRecords:
    """The reading side: one connection for each thread that reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.local()
        self._open: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Let go of the database; no read may be under way."""
        for connection in self._open:
            connection.close()

    def sweep(self, name: SweepName) -> Sweep | None:
        """Return one sweep."""
        with self._reading() as connection:
            row = sql_rows.sweep_row(connection, name)
            return rows_read.sweep(row) if row else None

    def sweeps(
        self,
        entity: str,
        project: str,
        states: Sequence[SweepState],
        before: int | None,
        limit: int,
        bounds: Bounds = EVERYWHERE,
    ) -> Page[Sweep]:
        """Return sweeps without their files, newest first."""
        query = Query(f"select {_LISTED} from sweep")  # noqa: S608 (our own names)
        query.where("sweep <> ''")  # what holds the runs that belong to none
        query.where("entity = ?", entity or None)
        query.where("project = ?", project or None)
        query.among("state", states)
        query.where("id < ?", before)
        if not bounds.everywhere:
            condition, values = sql_places.within(bounds)
            query.where(condition, *values)
        with self._reading() as connection:
            found = connection.execute(f"{query.text} order by id desc limit ?", (*query.values, limit + 1))
            return page(map(rows_read.sweep, found), limit, sweep_weight)

    def stored(self, name: SweepName) -> Stored | None:
        """Return all of one sweep that the owner needs in order to go on with it."""
        with self._reading() as connection:
            row = sql_rows.sweep_row(connection, name)
            return stored_sweep(connection, row) if row else None

    def chosen_runs(self, sweep: Sweep, states: Sequence[RunState], numbers: Sequence[int]) -> Sequence[Run]:
        """Return every run in one of some states that has one of some numbers, by number; empty: any."""
        query = Query("select * from run")
        query.where("sweep_id = ?", sweep.key)
        query.among("state", states)
        if numbers:
            query.where("number in (select value from json_each(?))", json.dumps(list(numbers)))
        with self._reading() as connection:
            found = connection.execute(f"{query.text} order by number", query.values)
            return list(sql_rows.runs(connection, sweep.name, found))

    def run(self, name: RunName) -> Run | None:
        """Return one run with all attempts."""
        with self._reading() as connection:
            found = sql_rows.run_row(connection, name)
            if found is None:
                return None
            row, sweep = found
            return next(sql_rows.runs(connection, sweep, [row]), None)

    def details(self, run: RunKey) -> bytes | None:
        """Return what is told of a run besides metrics."""
        with self._reading() as connection:
            row = connection.execute(
                "select body from run_details where sweep_id = ? and run = ?", run
            ).fetchone()
            return row["body"] if row else None

    def runs(
        self, sweep: Sweep, states: Sequence[RunState], after: RunPosition | None, limit: int, *, best: bool
    ) -> Page[Run]:
        """Return runs by number, or the best first, without those that have no value."""
        query = Query("select * from run")
        query.where("sweep_id = ?", sweep.key)
        query.among("state", states)
        order = "number"
        if best:
            worse, direction = (">", "asc") if sweep.goal is Goal.MINIMIZE else ("<", "desc")
            order = f"value {direction}, number"
            query.where("value is not null")
            if after is not None:
                query.where(f"(value {worse} ? or (value = ? and number > ?))", after.value, after.value)
                query.values.append(after.number)
        elif after is not None:
            query.where("number > ?", after.number)
        with self._reading() as connection:
            found = connection.execute(f"{query.text} order by {order} limit ?", (*query.values, limit + 1))
            return page(sql_rows.runs(connection, sweep.name, found), limit, run_weight)

    def runs_of_project(
        self,
        parent: Parent,
        states: Sequence[RunState],
        before: RunPlace | None,
        limit: int,
        *,
        stand_alone: bool,
    ) -> Page[Run]:
        """Return runs of a project, of its sweeps and by themselves, the newest first."""
        query = Query("select r.sweep_id, r.number from run r join sweep s on s.id = r.sweep_id")
        query.where("s.entity = ?", parent.entity)
        query.where("s.project = ?", parent.project)
        query.where("s.sweep = ?", "" if stand_alone else None)
        query.among("r.state", states)
        if before is not None:
            query.where("(r.create_time, r.sweep_id, r.number) < (?, ?, ?)", *before)
        order = "r.create_time desc, r.sweep_id desc, r.number desc"
        with self._reading() as connection:
            keys = connection.execute(f"{query.text} order by {order} limit ?", (*query.values, limit + 1))
            return page(sql_rows.runs_by_key(connection, keys.fetchall()), limit, run_weight)

    def snapshot(self, sweep: int, after: int, limit: int) -> Changed:
        """Return a sweep and its runs with numbers above `after`, at most `limit`."""
        with self._reading() as connection:
            row = connection.execute("select * from sweep where id = ?", (sweep,)).fetchone()
            found = connection.execute(
                "select * from run where sweep_id = ? and number > ? order by number limit ?",
                (sweep, after, limit + 1),
            )
            return sql_rows.changed(connection, row, found, limit)

    def changed_since(self, sweep: int, number: int, limit: int) -> Changed | None:
        """Return what has changed after `number`; None if it is not known, or there is more than fits."""
        with self._reading() as connection:
            (last,) = connection.execute("select max(changed) from sweep").fetchone()
            (line,) = connection.execute("select max(number) from event").fetchone()
            found = connection.execute(
                "select * from run where sweep_id = ? and changed > ? order by number limit ?",
                (sweep, number, limit + 1),
            )
            row = connection.execute("select * from sweep where id = ?", (sweep,)).fetchone()
            changed = sql_rows.changed(connection, row, found, limit)
            return None if changed.more or number > max(last or 0, line or 0, changed.number) else changed

    def observations(self, sweep: int, after: int, limit: int) -> Page[StudyLine]:
        """Return numbered observations of a study in order."""
        with self._reading() as connection:
            found = connection.execute(
                "select o.*, case when o.event = 'handed-out' then coalesce(r.point, p.point) end as point"
                " from observation o"
                " left join run r on r.sweep_id = o.sweep_id and r.number = o.run"
                " left join prior_run p on p.sweep_id = o.sweep_id and p.number = -o.run"
                " where o.sweep_id = ? and o.number > ? order by o.number limit ?",
                (sweep, after, limit + 1),
            )
            return page(map(sql_rows.line, found), limit, lambda line: line.weight)

    def prior_runs(self, sweep: int, after: int, limit: int) -> Page[PriorRun]:
        """Return the runs that a sweep began with, by index, without their values at rungs."""
        with self._reading() as connection:
            found = connection.execute(
                "select * from prior_run where sweep_id = ? and number > ? order by number limit ?",
                (sweep, after, limit + 1),
            )
            return page(map(rows_read.prior_run, found), limit, prior_weight)

    def run_values(self, sweep: Sweep) -> Sequence[RunValue]:
        """Return what each run of a sweep shows, by number."""
        with self._reading() as connection:
            found = connection.execute(
                "select number, repeat, state, end_time, value from run where sweep_id = ? order by number",
                (sweep.key,),
            )
            return [sql_rows.run_value(row) for row in found]

    def tried_points(self, sweep: Sweep, share: Share, limit: int, *, valued: bool) -> Page[TriedPoint]:
        """Return points of runs that have finished or were stopped, by number."""
        condition = "sweep_id = ? and state in (?, ?) and (number * ?) & 4294967295 < ?"
        values = [sweep.key, RunState.FINISHED, RunState.STOPPED, FACTOR, share.below]
        query = f"select number, point, value from run where {condition}"  # noqa: S608 (our own names)
        if valued:
            prior = f"select -number as number, point, value from prior_run where {condition}"  # noqa: S608
            query = f"select * from ({prior} union all {query}) where value is not null"  # noqa: S608
            values += values
        with self._reading() as connection:
            found = connection.execute(f"{query} order by number limit ?", (*values, limit + 1))
            return page(map(sql_rows.tried_point, found), limit, lambda tried: point_weight(tried.point))

    def events(self, sweep: int, run: int, limit: int) -> Sequence[Happened]:
        """Return the newest lines of the record of a run, oldest first."""
        with self._reading() as connection:
            found = connection.execute(
                "select * from event where sweep_id = ? and run = ? order by number desc limit ?",
                (sweep, run, limit),
            )
            return [sql_rows.happened(row) for row in found][::-1]

    def known(self, attempts: Sequence[tuple[RunName, int]]) -> Sequence[Known | None]:
        """Return what is stored of each attempt; None where there is nothing."""
        with self._reading() as connection:
            return [sql_rows.known(connection, name, number) for name, number in attempts]

    def project_names(self) -> Sequence[Parent]:
        """Return the projects that have sweeps or runs."""
        with self._reading() as connection:
            return sql_places.project_names(connection)

    def project_counts(self, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
        """Return what each of some projects holds."""
        with self._reading() as connection:
            return sql_places.project_counts(connection, projects)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give the thread's connection, in one transaction: everything read is of one moment."""
        try:
            connection = self._connection()
            connection.execute("begin")
            try:
                yield connection
            finally:
                connection.execute("rollback")
        except sqlite3.Error as error:
            raise storage_error(error, SERVICE, self._path) from error

    def _connection(self) -> sqlite3.Connection:
        known: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if known is not None:
            return known
        connection = open_sqlite(self._path, read_only=True)
        connection.row_factory = sqlite3.Row
        self._threads.connection = connection
        self._open.append(connection)
        return connection
