"""Store of the owner: changes in one transaction per batch, remembered requests and their quotas."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import TypeAlias, TypeVar, cast

from sweepd_kernel.errors import DatabasesDifferError, StorageError
from sweepd_kernel.pairing import store as pairing
from sweepd_kernel.pairing.comparison import REMEDY, Database, Peer
from sweepd_kernel.service import AttemptKey, PairedDatabase
from sweepd_kernel.sql.database import Connection, Engine, Value
from sweepd_kernel.sql.schema import json_text
from sweepd_scheduler.domain import effects
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
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
from sweepd_scheduler.domain.search.prior_runs import prior_observations
from sweepd_scheduler.domain.search.study import StudyObservation
from sweepd_scheduler.store import tables_sql as sql
from sweepd_scheduler.store.converters import spec_text
from sweepd_scheduler.store.ports import Loaded
from sweepd_scheduler.store.queries import load
from sweepd_scheduler.store.tables_sql import REQUEST, SCHEMA, request_of

Statement: TypeAlias = tuple[str, list[tuple[Value, ...]]]
C = TypeVar("C", bound=effects.Change)

_UPDATE_SPEC = "update sweep set spec = ? where id = ?"
_PUT_DETAILS = (
    f"{sql.RUN_DETAILS.upsert}"
    " where (excluded.attempt, excluded.sequence) > (run_details.attempt, run_details.sequence)"
)
# The name and tags of a run are set only by the report whose details are stored, not by outdated reports.
_NAME_RUN = (
    "update run set display_name = ?, tags = ?, changed = ? where sweep_id = ? and number = ?"
    " and (display_name <> ? or tags <> ?)"
    " and exists (select 1 from run_details d"
    " where d.sweep_id = run.sweep_id and d.run = run.number and d.attempt = ? and d.sequence = ?)"
)
ADD_TO_QUOTA = (
    f"{sql.REQUEST_QUOTA.insert} on conflict (account, project)"
    " do update set size_bytes = request_quota.size_bytes + excluded.size_bytes"
)


class _Changes:
    """Changes of a batch grouped by type; each group keeps the order of the batch."""

    def __init__(self, changes: Sequence[effects.Change]) -> None:
        self._by_kind: defaultdict[type, list[effects.Change]] = defaultdict(list)
        for change in changes:
            self._by_kind[type(change)].append(change)

    def of(self, kind: type[C]) -> list[C]:
        return cast("list[C]", self._by_kind[kind])


def statements(all_changes: Sequence[effects.Change], number: int) -> Iterator[Statement]:
    """Yield the statements that store changes, each with its rows.

    If an entity has several changes, only its newest state is written. Changed rows get `number`.
    """
    for statement, rows in _statements(_Changes(all_changes), number):
        if rows:
            yield statement, rows


def _statements(changes: _Changes, number: int) -> Iterator[Statement]:
    yield from _sweeps(changes, number)
    yield from _runs(changes.of(effects.RunChanged), number)
    attempts = {(*each.key, each.attempt.number): each for each in changes.of(effects.AttemptChanged)}
    rows = [
        sql.attempt_values(each.attempt, sweep_id=each.key[0], run=each.key[1]) for each in attempts.values()
    ]
    yield sql.ATTEMPT.upsert, rows
    yield from _guards(changes.of(effects.GuardChanged))
    details = changes.of(effects.DetailsChanged)
    yield _PUT_DETAILS, [sql.run_details_values(each) for each in details]
    yield _NAME_RUN, [_naming_values(each, number) for each in details]
    yield from _prior_runs(changes.of(effects.PriorRunsTaken))
    yield from _rungs(changes.of(effects.RungReached))
    yield sql.OBSERVATION.insert, [sql.observation_values(each) for each in changes.of(StudyObservation)]
    yield sql.EVENT.insert, [sql.event_values(each) for each in changes.of(effects.HistoryEntry)]
    yield from _requests(changes.of(Remembered))


def _sweeps(changes: _Changes, number: int) -> Iterator[Statement]:
    newest = {change.sweep.key: change.sweep for change in changes.of(effects.SweepChanged)}
    new = {change.sweep.key for change in changes.of(effects.SweepChanged) if change.new}
    yield sql.SWEEP.insert, [sql.sweep_values(newest[key], changed=number) for key in newest if key in new]
    rows = [sql.sweep_changes(newest[key], changed=number) for key in newest if key not in new]
    yield sql.SWEEP.update, rows
    edited = [(spec_text(each.sweep.spec), each.sweep.key) for each in changes.of(effects.SweepEdited)]
    yield _UPDATE_SPEC, cast("list[tuple[Value, ...]]", edited)


def _runs(changes: Sequence[effects.RunChanged], number: int) -> Iterator[Statement]:
    newest = {change.run.key: change for change in changes}
    new = {change.run.key for change in changes if change.new}
    added = [each for key, each in newest.items() if key in new]
    yield sql.RUN.insert, [sql.run_values(each.run, value=each.value, changed=number) for each in added]
    moved = [each for key, each in newest.items() if key not in new]
    yield sql.RUN.update, [sql.run_changes(each.run, value=each.value, changed=number) for each in moved]


def _guards(changes: Sequence[effects.GuardChanged]) -> Iterator[Statement]:
    newest = {(change.sweep, change.agent): change.guarded for change in changes}
    rows = [
        sql.agent_guard_values(guarded, sweep_id=sweep, agent=agent)
        for (sweep, agent), guarded in newest.items()
        if guarded
    ]
    yield sql.AGENT_GUARD.upsert, rows
    yield sql.AGENT_GUARD.delete, [key for key, guarded in newest.items() if not guarded]


def _prior_runs(taken: Sequence[effects.PriorRunsTaken]) -> Iterator[Statement]:
    of_sweeps = [(each.sweep.key, prior) for each in taken for prior in each.runs]
    yield sql.PRIOR_RUN.insert, [sql.prior_run_values(prior, sweep_id=key) for key, prior in of_sweeps]
    rungs = (
        (key, rule, rung, prior.number, value)
        for key, prior in of_sweeps
        for rule, rung, value in prior.rungs
    )
    # Sorted by the key of the table, which makes inserts faster.
    yield sql.RUNG.upsert, cast("list[tuple[Value, ...]]", sorted(rungs))
    notes = (note for each in taken for note in prior_observations(each.sweep, each.runs))
    yield sql.OBSERVATION.insert, [sql.observation_values(note) for note in notes]


def _rungs(reached: Sequence[effects.RungReached]) -> Iterator[Statement]:
    newest = {(each.sweep, each.rule, each.rung, each.run): each.value for each in reached}
    yield sql.RUNG.upsert, [(*key, value) for key, value in newest.items() if value is not None]
    yield sql.RUNG.delete, [key for key, value in newest.items() if value is None]


def _requests(remembered: Sequence[Remembered]) -> Iterator[Statement]:
    yield sql.REQUEST.insert, [sql.request_values(each) for each in remembered]
    taken = [(owner, each.size_bytes) for each in remembered for owner in charged(each.key)]
    yield ADD_TO_QUOTA, [(*owner, size) for owner, size in taken]


def _naming_values(details: effects.DetailsChanged, number: int) -> tuple[Value, ...]:
    name, tags = details.display_name, json_text(details.tags)
    return (name, tags, number, *details.key, name, tags, details.attempt, details.sequence)


FORGOTTEN_AT_ONCE = 500
_FORGET = (
    "delete from request where (account, project, id) in"
    " (select account, project, id from request where time < ? order by time limit ?)"
    " returning account, project, size_bytes"
)


def recall(connection: Connection, keys: Collection[RequestKey]) -> Recollection:
    """Return the remembered requests among `keys`, and the usage of the quotas they are charged to."""
    owners = {owner for key in keys for owner in charged(key)} | {EVERYBODY}
    found = [(key, _request(connection, key)) for key in keys]
    return Recollection(
        requests={key: each for key, each in found if each},
        used={owner: _used(connection, owner) for owner in owners},
    )


def forget(connection: Connection, before: int) -> None:
    """Delete requests older than `before`, at most FORGOTTEN_AT_ONCE, as commits wait for the deletion."""
    oldest = connection.execute("select min(time) from request").first()
    if oldest is None or oldest[0] is None or oldest[0] >= before:
        return
    with connection.transaction():
        gone = connection.execute(_FORGET, (before, FORGOTTEN_AT_ONCE)).all()
        freed = [(account, project, -size) for account, project, size in gone]
        freed += [(account, ALL_PROJECTS, -size) for account, _, size in gone]
        freed.append((*EVERYBODY, -sum(size for _, _, size in gone)))
        connection.execute_many(ADD_TO_QUOTA, freed)
        connection.execute("delete from request_quota where size_bytes <= 0")


def _request(connection: Connection, key: RequestKey) -> Remembered | None:
    row = connection.execute(
        f"select {REQUEST} from request where account = ? and project = ? and id = ?",
        (key.account, key.project, key.request_id),
    ).first()
    return request_of(row) if row else None


def _used(connection: Connection, owner: Owner) -> Used:
    where, count = " where account = ? and project = ?", 2
    if owner == EVERYBODY:
        where, count = "", 0
    elif owner[1] == ALL_PROJECTS:
        where, count = " where account = ?", 1
    size = connection.execute(
        "select size_bytes from request_quota where account = ? and project = ?", owner
    ).first()
    oldest = connection.execute(f"select min(time) from request{where}", owner[:count]).first()
    return Used(size_bytes=size[0] if size else 0, oldest=(oldest[0] or 0) if oldest else 0)


SERVICE = "scheduler"


class SqlStore:
    """Implementation of `Store` on one connection. It also pairs this database with the metric store's."""

    def __init__(self, engine: Engine) -> None:
        self._place = engine.place
        self._connection = engine.connect()
        self._counter = pairing.Counter()
        pairing.ensure_identity(self._connection)

    def commit(self, changes: Sequence[effects.Change], number: int) -> None:
        """Store all changes durably in one transaction, or nothing."""
        connection = self._connection
        with connection.transaction():
            for statement, rows in statements(changes, number):
                connection.execute_many(statement, rows)
            self._counter.count(connection, number)
        self._counter.settle()

    def database(self) -> Database:
        """Return the identity of this database, and its record of the metric store's database.

        Raises:
            DatabasesDifferError: the file was removed or replaced; writes would be lost.
            DomainError: the database cannot be read.
        """
        if self._connection.replaced():
            text = f"{self._place} was removed or replaced while it was in use: {REMEDY}"
            raise DatabasesDifferError(text, self._place, "")
        return pairing.read(self._connection, self._place)

    def remember_metric_store(self, peer: Peer) -> None:
        """Store the record of the metric store's database."""
        with self._connection.transaction():
            pairing.remember(self._connection, peer)

    def load(self) -> Loaded:
        """Return the state that the owner keeps in memory."""
        return load(self._connection)

    def recall(self, keys: Collection[RequestKey], forget_before: int) -> Recollection:
        """Return the remembered requests among `keys`, and the usage of quotas; delete some old requests."""
        with suppress(StorageError):  # requests that cannot be deleted now still count towards quotas
            forget(self._connection, forget_before)
        return recall(self._connection, keys)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


DATABASE = "scheduler.sqlite"
_HANDED_OUT = (
    "select s.entity, s.project, s.sweep, r.number, r.digest, a.number"
    " from attempt a join run r on r.sweep_id = a.sweep_id and r.number = a.run"
    " join sweep s on s.id = a.sweep_id"
)


def known_attempts(connection: Connection) -> AbstractSet[AttemptKey]:
    """Return every attempt ever handed out: full name of the run, and number of the attempt."""
    return {
        (_name(entity, project, sweep, number, digest), attempt)
        for entity, project, sweep, number, digest, attempt in connection.execute(_HANDED_OUT)
    }


def _name(entity: str, project: str, sweep: str, number: int, digest: bytes) -> str:
    # The digest of a standalone run, whose sweep has no id, is the id of the run.
    return str(RunName(SweepName(Parent(entity, project), sweep), number, "" if sweep else digest.decode()))


PAIRED = PairedDatabase(file=DATABASE, schema=SCHEMA, attempts=known_attempts)
