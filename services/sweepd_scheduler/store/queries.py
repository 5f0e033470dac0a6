"""Reads on one connection: sweeps, runs and attempts as entities."""

import json
from collections.abc import Iterable, Iterator, Sequence

from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.sql.database import Connection, Row, Value
from sweepd_scheduler.domain.agents.agent import StoredAttempt
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.runs.run import Attempt, Run
from sweepd_scheduler.domain.transitions import AttemptState, RunState
from sweepd_scheduler.message_size import page, run_weight
from sweepd_scheduler.store.ports import Changed, ProjectCounts
from sweepd_scheduler.store.tables_sql import ATTEMPT, RUN, SWEEP, attempt_of, run_of, sweep_of

_NUMBER, _DIGEST, _CHANGED = (RUN.columns.index(name) for name in ("number", "digest", "changed"))
_SWEEP_CHANGED = SWEEP.columns.index("changed")
_RUNS = " + ".join(f"{state}_runs" for state in RunState)
_SWEEP = f"select {SWEEP} from sweep where entity = ? and project = ? and sweep = ?"
_ATTEMPTS = f"select {ATTEMPT} from attempt where sweep_id = ? and run = ? order by number"
_KNOWN = (
    "select r.sweep_id, r.number, r.state, r.attempt, r.observation_row,"
    " a.state, a.resumed_from_step, a.secret_digest, d.sequence"
    " from run r join attempt a on a.sweep_id = r.sweep_id and a.run = r.number"
    " left join run_details d on d.sweep_id = a.sweep_id and d.run = a.run and d.attempt = a.number"
    " where r.sweep_id = ? and a.number = ? and"
)


class Query:
    """Select whose condition is put together from those parts that were asked for."""

    def __init__(self, select: str) -> None:
        self.text = select
        self.values: list[Value] = []
        self._word = "where"

    def where(self, condition: str, *values: Value) -> None:
        """Add a condition; one whose value is None is left out."""
        if None in values:
            return
        self.text += f" {self._word} {condition}"
        self.values += values
        self._word = "and"

    def among(self, column: str, words: Sequence[str]) -> None:
        """Add that a column has one of some values; no values: any."""
        if words:
            self.where(f"{column} in ({', '.join('?' * len(words))})", *words)

    def numbers(self, column: str, numbers: Sequence[int]) -> None:
        """Add that a column has one of many numbers; no numbers: any."""
        if numbers:
            listed = "select cast(value as bigint) from json_each(?)"
            self.where(f"{column} in ({listed})", json.dumps(list(numbers)))

    def within(self, bounds: Bounds) -> None:
        """Add that a sweep lies within `bounds`."""
        if not bounds.everywhere:
            places = sorted(bounds.places)
            marks = ", ".join("?" * len(places))
            self.where(f"(entity in ({marks}) or entity || '/' || project in ({marks}))", *places, *places)


def sweep_row(connection: Connection, name: SweepName) -> Row | None:
    """Return the row of a sweep; None if there is none."""
    return connection.execute(_SWEEP, (name.parent.entity, name.parent.project, name.id)).first()


def sweep_key(connection: Connection, name: RunName) -> tuple[int, RunName] | None:
    """Return the key of the sweep that a run is of, and the run's name: it may be a standalone one."""
    for each in dict.fromkeys((name, name.as_standalone())):
        parent = each.sweep.parent
        row = connection.execute(
            "select id from sweep where entity = ? and project = ? and sweep = ?",
            (parent.entity, parent.project, each.sweep.id),
        ).first()
        if row is not None:
            return row[0], each
    return None


def run(connection: Connection, name: RunName) -> Run | None:
    """Return a run with all attempts; None if there is none."""
    found = sweep_key(connection, name)
    if found is None:
        return None
    key, name = found
    condition, value = _by_name(name)
    rows = connection.execute(
        f"select {RUN} from run where sweep_id = ? and {condition}",
        (key, value),
    )
    return next(runs(connection, name.sweep, rows), None)


def runs(connection: Connection, name: SweepName, found: Iterable[Row]) -> Iterator[Run]:
    """Read the runs of rows one after the other."""
    return (run for run, _ in runs_with_numbers(connection, name, found))


def runs_by_key(connection: Connection, keys: Iterable[Row]) -> Iterator[Run]:
    """Read runs of several sweeps one after the other; each row has the key of one."""
    names: dict[int, SweepName] = {}
    select = f"select {RUN} from run where sweep_id = ? and number = ?"
    for sweep_id, number in keys:
        if sweep_id not in names:
            row = connection.execute(
                "select entity, project, sweep from sweep where id = ?", (sweep_id,)
            ).first()
            assert row is not None
            names[sweep_id] = SweepName(Parent(row[0], row[1]), row[2])
        yield from runs(connection, names[sweep_id], connection.execute(select, (sweep_id, number)))


def runs_with_numbers(
    connection: Connection, name: SweepName, found: Iterable[Row]
) -> Iterator[tuple[Run, int]]:
    """Read runs one after the other, each with the number of its newest change."""
    for row in found:
        number = row[_NUMBER]
        full = RunName(name, number, row[_DIGEST].decode() if name.is_standing else "")
        yield run_of(row, name=str(full), attempts=_attempts(connection, row)), row[_CHANGED]


def changed(connection: Connection, row: Row | None, found: Iterable[Row], limit: int) -> Changed:
    """Return a sweep and some of its runs, as many as fit, with the number of their newest change."""
    assert row is not None
    sweep = sweep_of(row)
    part = page(runs_with_numbers(connection, sweep.name, found), limit, lambda each: run_weight(each[0]))
    return Changed(
        sweep=sweep,
        runs=tuple(run for run, _ in part.entries),
        number=max(row[_SWEEP_CHANGED], *(number for _, number in part.entries), 0),
        more=part.more,
    )


def known(connection: Connection, name: RunName, number: int) -> StoredAttempt | None:
    """Return what is stored of an attempt; None if there is nothing."""
    found = sweep_key(connection, name)
    if found is None:
        return None
    key, name = found
    condition, value = _by_name(name)
    row = connection.execute(f"{_KNOWN} r.{condition}", (key, number, value)).first()
    if row is None:
        return None
    sweep_id, run_number, run_state, newest, observation_row, state, step, digest, sequence = row
    return StoredAttempt(
        key=(sweep_id, run_number),
        run=str(name),
        sweep=str(name.sweep),
        run_state=RunState(run_state),
        state=AttemptState(state),
        observation_row=observation_row if newest == number else 0,
        resumed_from_step=step,
        details_sequence=sequence or 0,
        secret_digest=digest,
    )


def project_names(connection: Connection) -> Sequence[Parent]:
    """Return the projects that have sweeps or runs; an index alone is read."""
    found = connection.execute("select distinct entity, project from sweep")
    return [Parent(entity, project) for entity, project in found]


def project_counts(connection: Connection, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
    """Return what each of some projects holds. Runs that belong to no sweep count as runs."""
    select = (
        "select min(create_time), count(case when sweep <> '' then 1 end),"
        f" cast(sum({_RUNS}) as bigint) from sweep where entity = ? and project = ?"
    )
    counted: list[ProjectCounts] = []
    for project in projects:
        row = connection.execute(select, (project.entity, project.project)).first()
        assert row is not None
        counted.append(ProjectCounts(create_time=row[0] or 0, sweeps=row[1], runs=row[2] or 0))
    return counted


def _sweep_name(connection: Connection, key: int) -> SweepName:
    row = connection.execute("select entity, project, sweep from sweep where id = ?", (key,)).first()
    assert row is not None
    entity, project, sweep = row
    return SweepName(Parent(entity, project), sweep)


def _attempts(connection: Connection, row: Row) -> tuple[Attempt, ...]:
    return tuple(map(attempt_of, connection.execute(_ATTEMPTS, row[:2])))


def _by_name(name: RunName) -> tuple[str, Value]:
    """Return the condition that a row of the sweep is the run's, and its value."""
    if name.sweep.is_standing:
        return "digest = ?", name.id.encode()
    return "number = ?", name.number
