"""State of the writer: cached attempts and series with staged changes; writes names and cursors."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sweepd_kernel.sql.database import Connection, Row, Value
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Stretch
from sweepd_metric_store.domain.checksum import is_intact
from sweepd_metric_store.domain.packing import NO_TAIL, Tail
from sweepd_metric_store.domain.summary import Summary
from sweepd_metric_store.ports import AttemptName
from sweepd_metric_store.store.queries import number
from sweepd_metric_store.store.tables_sql import (
    ATTEMPT,
    METRIC_KEY,
    RUN,
    SERIES,
    SWEEP,
    attempt_values,
    metric_key_values,
    run_values,
    sweep_values,
)

MAX_SERIES = 20_000
"""Maximum number of cached series; then the longest-idle attempts are evicted, and read again when needed."""

_Key = tuple[str, int]
"""Name of the run and number of the attempt; a run belongs to the sweep with which it first arrived."""


@dataclass(slots=True)
class FileTotals:
    """Number of files of a run, and the total of their stored bytes."""

    count: int
    size: int


@dataclass(slots=True)
class RunState:
    """A run and the keys that it has logged; `files` is counted when first needed.

    Shared by the cached attempts of the run; `attempts` is their number.
    """

    id: int
    attempts: int = 0
    keys: set[str] = field(default_factory=set)
    files: FileTotals | None = None


@dataclass(slots=True)
class SeriesState:
    """Series: one key of one attempt; `arrived` holds staged stretches."""

    id: int
    attempt_id: int
    key_id: int
    kinds: int = 0
    summary: Summary | None = None
    tail: Tail = NO_TAIL
    damaged: tuple[bytes, int] | None = None
    """A damaged summary and its checksum, kept unchanged so that readers detect the damage."""
    arrived: list[Stretch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Difference between a repeated arrival and the store; `at` is the first row or byte refused."""

    at: int
    complaint: str


@dataclass(slots=True)
class AttemptState:
    """An attempt and its cursors; `log_arrived` holds staged bytes.

    A lane (points or log) in conflict accepts nothing: a higher cursor would acknowledge what differs.
    """

    id: int
    run: RunState
    number: int
    point_row: int = 0
    resumed_from_step: int | None = None
    log_offset: int = 0
    log_tail_offset: int = 0
    log_tail_pieces: int = 0
    log_arrived: list[bytes] = field(default_factory=list)
    points_conflict: Conflict | None = None
    log_conflict: Conflict | None = None
    series: dict[str, SeriesState] = field(default_factory=dict)
    touched: float = 0.0


class Ledger:
    """State of the only writer, which assigns all ids; discarded when a commit fails."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._attempts: dict[_Key, AttemptState] = {}
        self._runs: dict[str, RunState] = {}
        self._keys: dict[str, int] = {}
        self._new: dict[str, list[tuple[Value, ...]]] = {table.name: [] for table in _NAME_TABLES}
        self._touched: dict[_Key, AttemptState] = {}
        self._cache_size = 0
        self._new_sweeps: dict[str, int] = {}
        self._last_ids = {
            table.name: number(connection, f"select coalesce(max(id), 0) from {table.name}")
            for table in _TABLES
        }

    @property
    def changed(self) -> bool:
        """True if anything is staged."""
        return bool(self._touched)

    @property
    def touched(self) -> Iterable[AttemptState]:
        """Attempts with staged changes."""
        return self._touched.values()

    def attempt(self, name: AttemptName) -> AttemptState:
        """Return an attempt; create it if it is not stored."""
        key = (name.run, name.attempt)
        known = self._attempts.get(key)
        if known is None:
            known = self._attempts[key] = self._stored_attempt(name) or self._new_attempt(name)
            self._cache_size += 1 + len(known.series)
            known.run.attempts += 1
        return known

    def series(self, attempt: AttemptState, key: str) -> SeriesState:
        """Return the series of a key of `attempt`; create it if it is not stored."""
        known = attempt.series.get(key)
        if known is None:
            known = SeriesState(id=self.next_id("series"), attempt_id=attempt.id, key_id=self._key(key))
            attempt.series[key] = known
            attempt.run.keys.add(key)
            self._cache_size += 1
        return known

    def touch(self, name: AttemptName, attempt: AttemptState) -> None:
        """Mark `attempt` to be written."""
        self._touched[name.run, name.attempt] = attempt

    def next_id(self, table: str) -> int:
        """Return an unused id of `table`."""
        self._last_ids[table] += 1
        return self._last_ids[table]

    def write_names(self) -> None:
        """Write the new sweeps, runs, attempts and keys."""
        for table in _NAME_TABLES:
            if rows := self._new[table.name]:
                self._connection.execute_many(table.insert, rows)

    def write_states(self) -> None:
        """Write the cursors, in the same transaction as the rows they cover."""
        self._connection.execute_many(ATTEMPT.upsert, map(_attempt_row, self._touched.values()))

    def settle(self, now: float) -> None:
        """Mark staged changes as stored; evict the longest-idle attempts if there are too many series."""
        for rows in self._new.values():
            rows.clear()
        self._new_sweeps.clear()
        for key, attempt in self._touched.items():
            attempt.touched = now
            # Move the attempt to the end: dictionaries keep insertion order.
            self._attempts[key] = self._attempts.pop(key)
        self._touched.clear()
        if len(self._keys) > MAX_SERIES:
            self._keys.clear()
        if self._cache_size > MAX_SERIES:
            for key in list(self._attempts):
                self._evict(key)
                if self._cache_size <= MAX_SERIES:
                    break

    def active_since(self, time: float) -> AbstractSet[int]:
        """Return the ids of the attempts that were changed since `time`."""
        return {attempt.id for attempt in self._attempts.values() if attempt.touched >= time}

    def evict(self, attempt_ids: AbstractSet[int]) -> None:
        """Evict attempts that compaction has changed in the database."""
        for key in [key for key, attempt in self._attempts.items() if attempt.id in attempt_ids]:
            self._evict(key)

    def _evict(self, key: _Key) -> None:
        evicted = self._attempts.pop(key)
        self._cache_size -= 1 + len(evicted.series)
        evicted.run.attempts -= 1
        if not evicted.run.attempts:
            self._runs.pop(key[0], None)

    def _key(self, name: str) -> int:
        known = self._keys.get(name) or self._find("select id from metric_key where name = ?", name)
        if known is None:
            known = self.next_id("metric_key")
            self._new["metric_key"].append(metric_key_values(id=known, name=name))
        self._keys[name] = known
        return known

    def _new_attempt(self, name: AttemptName) -> AttemptState:
        run = self._runs.get(name.run) or self._stored_run(name.run) or self._new_run(name)
        self._runs[name.run] = run
        created = AttemptState(id=self.next_id("attempt"), run=run, number=name.attempt)
        self._new["attempt"].append(_attempt_row(created))
        self.touch(name, created)
        return created

    def _new_run(self, name: AttemptName) -> RunState:
        sweep_id = self._find("select id from sweep where name = ?", name.sweep)
        if sweep_id is None:
            sweep_id = self._new_sweeps.get(name.sweep)
        if sweep_id is None:
            sweep_id = self._new_sweeps[name.sweep] = self.next_id("sweep")
            self._new["sweep"].append(sweep_values(id=sweep_id, name=name.sweep))
        run = RunState(id=self.next_id("run"))
        self._new["run"].append(run_values(id=run.id, sweep_id=sweep_id, name=name.run))
        return run

    def _stored_run(self, name: str) -> RunState | None:
        run_id = self._find("select id from run where name = ?", name)
        if run_id is None:
            return None
        return RunState(id=run_id, keys={key for (key,) in self._connection.execute(_RUN_KEYS, (run_id,))})

    def _stored_attempt(self, name: AttemptName) -> AttemptState | None:
        row = self._connection.execute(_ATTEMPT, (name.run, name.attempt)).first()
        if row is None:
            return None
        run = self._runs.get(name.run) or self._stored_run(name.run)
        assert run is not None
        self._runs[name.run] = run
        stored = dict(zip(ATTEMPT.columns, row, strict=True))
        del stored["run_id"]
        attempt = AttemptState(run=run, **stored)
        for row in self._connection.execute(_SERIES, (attempt.id,)):
            attempt.series[row[0]] = _stored_series(row[1:])
        return attempt

    def _find(self, query: str, name: str) -> int | None:
        row = self._connection.execute(query, (name,)).first()
        return int(row[0]) if row else None


def _stored_series(row: Row) -> SeriesState:
    stored = dict(zip(SERIES.columns, row, strict=True))
    series = SeriesState(
        id=stored["id"],
        attempt_id=stored["attempt_id"],
        key_id=stored["key_id"],
        kinds=stored["kinds"],
        tail=Tail(
            first_row=stored["tail_first_row"], points=stored["tail_points"], pieces=stored["tail_pieces"]
        ),
    )
    if is_intact(row[:_CHECKSUM], stored["checksum"]):
        series.summary = encoding.summary(stored["summary"], number_count=stored["numbers"])
    else:
        series.damaged = (stored["summary"], stored["checksum"])
    return series


def _attempt_row(attempt: AttemptState) -> tuple[Value, ...]:
    return attempt_values(
        id=attempt.id,
        run_id=attempt.run.id,
        number=attempt.number,
        point_row=attempt.point_row,
        resumed_from_step=attempt.resumed_from_step,
        log_offset=attempt.log_offset,
        log_tail_offset=attempt.log_tail_offset,
        log_tail_pieces=attempt.log_tail_pieces,
    )


_CHECKSUM = SERIES.columns.index("checksum")
_TABLES = (SWEEP, RUN, ATTEMPT, METRIC_KEY, SERIES)
_NAME_TABLES = (SWEEP, RUN, ATTEMPT, METRIC_KEY)
"""Tables of names, each after the tables to which it refers."""
_RUN_KEYS = """
    select distinct k.name from attempt a
    join series s on s.attempt_id = a.id join metric_key k on k.id = s.key_id where a.run_id = ?"""
_ATTEMPT = f"""
    select {ATTEMPT.of("a")} from run r join attempt a on a.run_id = r.id where r.name = ? and a.number = ?"""
_SERIES = f"""
    select k.name, {SERIES.of("s")} from series s join metric_key k on k.id = s.key_id
    where s.attempt_id = ?"""
