"""Queries on one connection: they read sweeps, runs and attempts, and the state that the owner loads."""

import json
from collections.abc import Iterable, Iterator, Sequence

from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.sql.database import Connection, Row, Value
from sweepd_scheduler.domain.agents.agent import StoredAttempt
from sweepd_scheduler.domain.events import SECOND
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.runs.run import Attempt, Run
from sweepd_scheduler.domain.runs.values import EndedTrial
from sweepd_scheduler.domain.state import RECENT_RUNS
from sweepd_scheduler.domain.sweep import EndedSweep, StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, AttemptState, RunState, SweepState
from sweepd_scheduler.message_size import page, run_weight
from sweepd_scheduler.store import tables_sql as sql
from sweepd_scheduler.store.ports import Changed, Loaded, ProjectCounts

_NUMBER, _DIGEST, _CHANGED = (sql.RUN.columns.index(name) for name in ("number", "digest", "changed"))
_SWEEP_CHANGED = sql.SWEEP.columns.index("changed")
_RUNS = " + ".join(f"{state}_runs" for state in RunState)
_SWEEP = f"select {sql.SWEEP} from sweep where entity = ? and project = ? and sweep = ?"
_ATTEMPTS = f"select {sql.ATTEMPT} from attempt where sweep_id = ? and run = ? order by number"
_KNOWN = (
    "select r.sweep_id, r.number, r.state, r.attempt, r.observation_row,"
    " a.state, a.resumed_from_step, a.secret_digest, d.sequence"
    " from run r join attempt a on a.sweep_id = r.sweep_id and a.run = r.number"
    " left join run_details d on d.sweep_id = a.sweep_id and d.run = a.run and d.attempt = a.number"
    " where r.sweep_id = ? and a.number = ? and"
)


class Query:
    """Builder of a select statement with optional conditions and bind values."""

    def __init__(self, select: str) -> None:
        self.text = select
        self.values: list[Value] = []
        self._word = "where"

    def where(self, condition: str, *values: Value) -> None:
        """Add a condition, unless one of its bind values is None."""
        if None in values:
            return
        self.text += f" {self._word} {condition}"
        self.values += values
        self._word = "and"

    def among(self, column: str, words: Sequence[str]) -> None:
        """Add the condition that a column has one of a few values; no values: any."""
        if words:
            self.where(f"{column} in ({', '.join('?' * len(words))})", *words)

    def numbers(self, column: str, numbers: Sequence[int]) -> None:
        """Add the condition that a column has one of `numbers`, which may be many; no numbers: any."""
        if numbers:
            listed = "select cast(value as bigint) from json_each(?)"
            self.where(f"{column} in ({listed})", json.dumps(list(numbers)))

    def within(self, bounds: Bounds) -> None:
        """Add the condition that the project of a sweep is within `bounds`."""
        if not bounds.everywhere:
            places = sorted(bounds.places)
            marks = ", ".join("?" * len(places))
            self.where(f"(entity in ({marks}) or entity || '/' || project in ({marks}))", *places, *places)


def sweep_row(connection: Connection, name: SweepName) -> Row | None:
    """Return the row of a sweep; None if there is none."""
    return connection.execute(_SWEEP, (name.parent.entity, name.parent.project, name.id)).first()


def sweep_key(connection: Connection, name: RunName) -> tuple[int, RunName] | None:
    """Return the key of a run's sweep, and the name of the run; None if there is no such sweep.

    If no sweep has the id in the name, the name is treated as that of a standalone run, and returned as such.
    """
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
    rows = connection.execute(f"select {sql.RUN} from run where sweep_id = ? and {condition}", (key, value))
    return next(runs(connection, name.sweep, rows), None)


def runs(connection: Connection, name: SweepName, found: Iterable[Row]) -> Iterator[Run]:
    """Yield the run of each row, one by one."""
    return (run for run, _ in runs_with_numbers(connection, name, found))


def runs_by_key(connection: Connection, keys: Iterable[Row]) -> Iterator[Run]:
    """Yield runs of several sweeps one by one; each row of `keys` has a sweep key and a run number."""
    names: dict[int, SweepName] = {}
    select = f"select {sql.RUN} from run where sweep_id = ? and number = ?"
    for sweep_id, number in keys:
        if sweep_id not in names:
            names[sweep_id] = _sweep_name(connection, sweep_id)
        yield from runs(connection, names[sweep_id], connection.execute(select, (sweep_id, number)))


def runs_with_numbers(
    connection: Connection, name: SweepName, found: Iterable[Row]
) -> Iterator[tuple[Run, int]]:
    """Yield the run of each row, one by one, with the number of its newest change."""
    for row in found:
        number = row[_NUMBER]
        full = RunName(name, number, row[_DIGEST].decode() if name.is_standing else "")
        yield sql.run_of(row, name=str(full), attempts=_attempts(connection, row)), row[_CHANGED]


def changed(connection: Connection, row: Row | None, found: Iterable[Row], limit: int) -> Changed:
    """Return a sweep and as many of its runs as fit into a message, with the number of the newest change."""
    assert row is not None
    sweep = sql.sweep_of(row)
    part = page(runs_with_numbers(connection, sweep.name, found), limit, lambda each: run_weight(each[0]))
    return Changed(
        sweep=sweep,
        runs=tuple(run for run, _ in part.entries),
        number=max(row[_SWEEP_CHANGED], *(number for _, number in part.entries), 0),
        more=part.more,
    )


def known(connection: Connection, name: RunName, number: int) -> StoredAttempt | None:
    """Return the stored record of an attempt; None if there is none."""
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
    """Return the projects that have sweeps or runs; this reads only an index."""
    found = connection.execute("select distinct entity, project from sweep")
    return [Parent(entity, project) for entity, project in found]


def project_counts(connection: Connection, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
    """Return the counts of each project, in order; standalone runs count as runs."""
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
    return tuple(map(sql.attempt_of, connection.execute(_ATTEMPTS, row[:2])))


def _by_name(name: RunName) -> tuple[str, Value]:
    """Return the condition that selects a run within its sweep, and the bind value of the condition."""
    if name.sweep.is_standing:
        return "digest = ?", name.id.encode()
    return "number = ?", name.number


_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL_RUN))
_UNFINISHED = "pending_runs + assigned_runs + running_runs"


def load(connection: Connection) -> Loaded:
    """Return the state that the owner keeps in memory."""
    ended: list[tuple[int, EndedSweep]] = []
    active: list[int] = []
    columns = f"id, entity, project, sweep, state, reason, end_time, revision, {_UNFINISHED}"
    for row in connection.execute(f"select {columns} from sweep order by id"):
        key, entity, project, sweep, state, reason, end_time, revision, unfinished = row
        if state in FINAL_SWEEP and not unfinished:
            sweep_ended = EndedSweep(
                name=SweepName(Parent(entity, project), sweep),
                state=SweepState(state),
                reason=reason,
                end_time=end_time,
                revision=revision,
            )
            ended.append((key, sweep_ended))
        else:
            active.append(key)
    at = f"select {sql.SWEEP} from sweep where id = ?"
    sweeps = (row for key in active for row in connection.execute(at, (key,)))
    number = connection.execute("select number from identity").first()
    return Loaded(
        sweeps=tuple(stored_sweep(connection, row) for row in sweeps),
        ended=tuple(ended),
        newest_request=_newest_request(connection),
        # Not the highest number in any row, as not every commit marks rows with its number.
        number=number[0] if number else 0,
    )


def stored_sweep(connection: Connection, row: Row) -> StoredSweep:
    """Return everything that the owner keeps in memory about the sweep in a row."""
    sweep = sql.sweep_of(row)
    key = sweep.key
    live = connection.execute(
        f"select {sql.RUN} from run where sweep_id = ? and state not in ({_FINAL})", (key,)
    ).all()
    digests = connection.execute(
        "select digest, count(*) from"
        " (select digest from run where sweep_id = ? and repeat = 0"
        " union all select digest from prior_run where sweep_id = ?) as points group by digest",
        (key, key),
    )
    times = connection.execute(
        "select end_time - start_time from run where sweep_id = ? and start_time > 0 and end_time > 0", (key,)
    )
    guards = connection.execute(
        f"select {sql.AGENT_GUARD}, agent from agent_guard where sweep_id = ?", (key,)
    )
    return StoredSweep(
        sweep=sweep,
        runs=tuple(runs(connection, sweep.name, live)),
        digests=dict(digests),
        rung_values=_rung_values(connection, sweep),
        durations=tuple(time / SECOND for (time,) in times),
        ended=_ended(connection, key),
        recent=_recent(connection, sweep),
        guards={row[-1]: sql.agent_guard_of(row) for row in guards},
    )


def _rung_values(connection: Connection, sweep: Sweep) -> dict[tuple[int, int], dict[int, float]]:
    """Return the values at rungs by rule and rung. There may be a million, so reading a row must be cheap."""
    numbers = range(-sweep.prior_runs, sweep.counts.total + 1)
    # One integer object per run, shared by all its rungs, saves memory.
    shared = dict(zip(numbers, numbers, strict=True))
    keys = connection.execute("select distinct rule, rung from rung where sweep_id = ?", (sweep.key,)).all()
    at = "select run, value from rung where sweep_id = ? and rule = ? and rung = ?"
    return {
        (rule, rung): {shared[run]: value for run, value in connection.execute(at, (sweep.key, rule, rung))}
        for rule, rung in keys
    }


def _ended(connection: Connection, key: int) -> tuple[tuple[int, EndedTrial], ...]:
    found = connection.execute(
        "select number - repeat, state, attempt, value, values_best, values_worst, values_last,"
        f" values_iterations from run where sweep_id = ? and state in ({_FINAL}) order by number",
        (key,),
    )
    return tuple(
        (
            first,
            EndedTrial(
                state=RunState(state),
                tried=attempt > 0,
                value=value,
                best=best,
                worst=worst,
                last=last,
                iterations=iterations,
            ),
        )
        for first, state, attempt, value, best, worst, last, iterations in found
    )


def _recent(connection: Connection, sweep: Sweep) -> tuple[bool, ...]:
    count = max(0, min(RECENT_RUNS, sweep.counts.ended - sweep.guarded_from))
    found = connection.execute(
        f"select state from run where sweep_id = ? and state in ({_FINAL})"
        " order by end_time desc, number desc limit ?",
        (sweep.key, count),
    ).all()
    return tuple(state == RunState.FAILED for (state,) in reversed(found))


def _newest_request(connection: Connection) -> int:
    """Return the time of the newest remembered request; 0: there is none."""
    row = connection.execute("select max(time) from request").first()
    return row[0] or 0 if row else 0
