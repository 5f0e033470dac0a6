"""Records: committed data for clients, agents and the search, read in threads while the owner writes."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from sweepd.spec.sweep_spec import Goal
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_kernel.errors import NotFoundError
from sweepd_kernel.sql.database import Connection, Engine, Row, Value
from sweepd_scheduler.domain.agents.agent import StoredAttempt
from sweepd_scheduler.domain.effects import HistoryEntry
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.runs.results import FACTOR, RunSample, RunValue
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.sweep import StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState
from sweepd_scheduler.message_size import Page, page, point_weight, prior_weight, run_weight, sweep_weight
from sweepd_scheduler.store import queries
from sweepd_scheduler.store import tables_sql as sql
from sweepd_scheduler.store.ports import (
    Changed,
    ProjectCounts,
    Records,
    RunPlace,
    RunPosition,
    StudyLine,
    TriedPoint,
)
from sweepd_scheduler.store.queries import Query, stored_sweep

_SWEEP = f"select {sql.SWEEP} from sweep where id = ?"
_LINES = (
    f"select {sql.OBSERVATION.of('o')}, case when o.event = 'handed-out' then coalesce(r.point, p.point) end"
    " from observation o"
    " left join run r on r.sweep_id = o.sweep_id and r.number = o.run"
    " left join prior_run p on p.sweep_id = o.sweep_id and p.number = -o.run"
    " where o.sweep_id = ? and o.number > ? order by o.number limit ?"
)
_LISTED = sql.SWEEP.without({"file_name", "file_content"})


class SqlRecords:
    """Implementation of `Records` with one connection per thread; reads never wait for commits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = threading.local()
        self._open: list[Connection] = []

    def close(self) -> None:
        """Close the database; no read may be in progress."""
        for connection in self._open:
            connection.close()

    def sweep(self, name: SweepName) -> Sweep | None:
        """Return a sweep; None if there is none of this name."""
        with self._reading() as connection:
            row = queries.sweep_row(connection, name)
            return sql.sweep_of(row) if row else None

    def sweeps(
        self,
        entity: str,
        project: str,
        states: Sequence[SweepState],
        before: int | None,
        limit: int,
        bounds: Bounds = EVERYWHERE,
    ) -> Page[Sweep]:
        """Return sweeps without their files, newest first; leave out standing sweeps."""
        query = Query(f"select {_LISTED} from sweep")
        query.where("sweep <> ''")  # not the standing sweeps
        query.where("entity = ?", entity or None)
        query.where("project = ?", project or None)
        query.among("state", states)
        query.where("id < ?", before)
        query.within(bounds)
        with self._reading() as connection:
            found = connection.execute(f"{query.text} order by id desc limit ?", (*query.values, limit + 1))
            return page(map(sql.sweep_of, found), limit, sweep_weight)

    def stored(self, name: SweepName) -> StoredSweep | None:
        """Return a sweep and everything about it that the owner keeps in memory; None if there is none."""
        with self._reading() as connection:
            row = queries.sweep_row(connection, name)
            return stored_sweep(connection, row) if row else None

    def chosen_runs(self, sweep: Sweep, states: Sequence[RunState], numbers: Sequence[int]) -> Sequence[Run]:
        """Return the runs of a sweep with one of these states and one of these numbers; empty: any."""
        query = Query(f"select {sql.RUN} from run")
        query.where("sweep_id = ?", sweep.key)
        query.among("state", states)
        query.numbers("number", numbers)
        with self._reading() as connection:
            found = connection.execute(f"{query.text} order by number", query.values)
            return list(queries.runs(connection, sweep.name, found))

    def run(self, name: RunName) -> Run | None:
        """Return a run with all attempts; None if there is none."""
        with self._reading() as connection:
            return queries.run(connection, name)

    def details(self, run: RunKey) -> bytes | None:
        """Return the details of a run; None if there are none."""
        with self._reading() as connection:
            row = connection.execute(
                "select body from run_details where sweep_id = ? and run = ?", run
            ).first()
            return row[0] if row else None

    def runs(
        self, sweep: Sweep, states: Sequence[RunState], after: RunPosition | None, limit: int, *, best: bool
    ) -> Page[Run]:
        """Return runs of a sweep ordered by number; with `best`, only runs that have a value, best first."""
        query = Query(f"select {sql.RUN} from run")
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
            return page(queries.runs(connection, sweep.name, found), limit, run_weight)

    def runs_of_project(
        self,
        parent: Parent,
        states: Sequence[RunState],
        before: RunPlace | None,
        limit: int,
        *,
        standalone: bool,
    ) -> Page[Run]:
        """Return runs of a project, newest first; with `standalone`, only standalone runs."""
        query = Query("select r.sweep_id, r.number from run r join sweep s on s.id = r.sweep_id")
        query.where("s.entity = ?", parent.entity)
        query.where("s.project = ?", parent.project)
        query.where("s.sweep = ?", "" if standalone else None)
        query.among("r.state", states)
        if before is not None:
            query.where("(r.create_time, r.sweep_id, r.number) < (?, ?, ?)", *before)
        order = "r.create_time desc, r.sweep_id desc, r.number desc"
        with self._reading() as connection:
            keys = connection.execute(f"{query.text} order by {order} limit ?", (*query.values, limit + 1))
            return page(queries.runs_by_key(connection, keys.all()), limit, run_weight)

    def snapshot(self, sweep: int, after: int, limit: int) -> Changed:
        """Return a sweep, and at most `limit` of its runs with numbers above `after`."""
        with self._reading() as connection:
            row = connection.execute(_SWEEP, (sweep,)).first()
            found = connection.execute(
                f"select {sql.RUN} from run where sweep_id = ? and number > ? order by number limit ?",
                (sweep, after, limit + 1),
            )
            return queries.changed(connection, row, found, limit)

    def changed_since(self, sweep: int, number: int, limit: int) -> Changed | None:
        """Return a sweep's changes after `number`; None if `number` is unknown or there are too many."""
        with self._reading() as connection:
            last = _largest(connection, "select max(changed) from sweep")
            line = _largest(connection, "select max(number) from event")
            found = connection.execute(
                f"select {sql.RUN} from run where sweep_id = ? and changed > ? order by number limit ?",
                (sweep, number, limit + 1),
            )
            row = connection.execute(_SWEEP, (sweep,)).first()
            changed = queries.changed(connection, row, found, limit)
            return None if changed.more or number > max(last, line, changed.number) else changed

    def observations(self, sweep: int, after: int, limit: int) -> Page[StudyLine]:
        """Return the observations of a study with numbers above `after`, ordered by number."""
        with self._reading() as connection:
            found = connection.execute(_LINES, (sweep, after, limit + 1))
            return page(map(_line, found), limit, lambda line: line.weight)

    def prior_runs(self, sweep: int, after: int, limit: int) -> Page[PriorRun]:
        """Return the prior runs of a sweep after index `after`, ordered by index, without values at rungs."""
        select = f"select {sql.PRIOR_RUN} from prior_run where sweep_id = ? and number > ?"
        with self._reading() as connection:
            found = connection.execute(f"{select} order by number limit ?", (sweep, after, limit + 1))
            return page((sql.prior_run_of(row, rungs=()) for row in found), limit, prior_weight)

    def run_values(self, sweep: Sweep) -> Sequence[RunValue]:
        """Return the values of all runs of a sweep, ordered by number."""
        with self._reading() as connection:
            found = connection.execute(
                "select number, repeat, state, end_time, value from run where sweep_id = ? order by number",
                (sweep.key,),
            )
            return [
                RunValue(number, number - repeat, RunState(state), end_time, value)
                for number, repeat, state, end_time, value in found
            ]

    def tried_points(self, sweep: Sweep, share: RunSample, limit: int, *, valued: bool) -> Page[TriedPoint]:
        """Return the points of runs that have finished or were stopped, ordered by number."""
        condition = "sweep_id = ? and state in (?, ?) and ((number * ?) & 4294967295) < ?"
        values: list[Value] = [sweep.key, RunState.FINISHED, RunState.STOPPED, FACTOR, share.below]
        query = f"select number, point, value from run where {condition}"
        if valued:
            prior = f"select -number as number, point, value from prior_run where {condition}"
            query = f"select * from ({prior} union all {query}) as tried where value is not null"
            values += values
        with self._reading() as connection:
            found = connection.execute(f"{query} order by number limit ?", (*values, limit + 1))
            return page(map(_tried_point, found), limit, lambda tried: point_weight(tried.point))

    def events(self, sweep: int, run: int, limit: int) -> Sequence[HistoryEntry]:
        """Return the newest history entries of a run, oldest first."""
        with self._reading() as connection:
            found = connection.execute(
                f"select {sql.EVENT} from event where sweep_id = ? and run = ? order by number desc limit ?",
                (sweep, run, limit),
            )
            return [sql.event_of(row) for row in found][::-1]

    def known(self, attempts: Sequence[tuple[RunName, int]]) -> Sequence[StoredAttempt | None]:
        """Return the stored record of each attempt; None if there is none."""
        with self._reading() as connection:
            return [queries.known(connection, name, number) for name, number in attempts]

    def project_names(self) -> Sequence[Parent]:
        """Return the projects that have sweeps or runs."""
        with self._reading() as connection:
            return queries.project_names(connection)

    def project_counts(self, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
        """Count sweeps and runs per project."""
        with self._reading() as connection:
            return queries.project_counts(connection, projects)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Yield this thread's connection, in one transaction, so that all reads see the same state."""
        connection: Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = self._engine.connect(read_only=True)
            self._open.append(connection)
        with connection.snapshot():
            yield connection


def _largest(connection: Connection, select: str) -> int:
    row = connection.execute(select).first()
    return row[0] or 0 if row else 0


def _line(row: Row) -> StudyLine:
    return StudyLine(note=sql.observation_of(row), point=json.loads(row[-1]) if row[-1] else None)


def _tried_point(row: Row) -> TriedPoint:
    number, point, value = row
    return TriedPoint(number, json.loads(point), value)


P = ParamSpec("P")
T = TypeVar("T")
THREADS = 2


class Reading:
    """Access to records from the event loop, with thread pools for reads and for other work."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="scheduler-reader")
        # A separate pool, so that reads do not wait for work on many runs, which may take seconds.
        self._workers = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="scheduler-language")

    async def __call__(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `read` in a thread and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: read(*args, **kwargs))

    async def sweep(self, name: SweepName) -> Sweep:
        """Return a sweep.

        Raises:
            NotFoundError: there is no sweep of this name.
        """
        sweep = await self(self.records.sweep, name)
        if sweep is None:
            raise NotFoundError(str(name))
        return sweep

    async def work(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `work`, which does not read the database, in a thread and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Wait for running calls, and stop the threads."""
        self._threads.shutdown()
        self._workers.shutdown(cancel_futures=True)
