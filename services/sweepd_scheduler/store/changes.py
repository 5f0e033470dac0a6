"""Statements that store the changes of a batch: one for each table and kind of change, with its rows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias, TypeVar, cast

from sweepd_kernel.sql.database import Value
from sweepd_kernel.sql.schema import json_text
from sweepd_scheduler.domain.effects import (
    AttemptChanged,
    Change,
    DetailsChanged,
    GuardChanged,
    HistoryEntry,
    PriorRunsTaken,
    RunChanged,
    RungReached,
    SweepChanged,
    SweepEdited,
)
from sweepd_scheduler.domain.requests.remembered import Remembered, charged
from sweepd_scheduler.domain.search.prior_runs import prior_observations
from sweepd_scheduler.domain.search.study import StudyObservation
from sweepd_scheduler.store import tables_sql as sql
from sweepd_scheduler.store.converters import spec_text

Statement: TypeAlias = tuple[str, list[tuple[Value, ...]]]
C = TypeVar("C", bound=Change)

_UPDATE_SPEC = "update sweep set spec = ? where id = ?"
_PUT_DETAILS = (
    f"{sql.RUN_DETAILS.upsert}"
    " where (excluded.attempt, excluded.sequence) > (run_details.attempt, run_details.sequence)"
)
# Of reports that come late or again only the one that is stored gives the run its name and tags.
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
    """Changes of a batch by their kind, each in their order."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._by_kind: defaultdict[type, list[Change]] = defaultdict(list)
        for change in changes:
            self._by_kind[type(change)].append(change)

    def of(self, kind: type[C]) -> list[C]:
        return cast("list[C]", self._by_kind[kind])


def statements(all_changes: Sequence[Change], number: int) -> Iterator[Statement]:
    """Return the statements; of what changed several times the newest alone. `number` marks what changed."""
    for statement, rows in _statements(_Changes(all_changes), number):
        if rows:
            yield statement, rows


def _statements(changes: _Changes, number: int) -> Iterator[Statement]:
    yield from _sweeps(changes, number)
    yield from _runs(changes.of(RunChanged), number)
    attempts = {(*each.key, each.attempt.number): each for each in changes.of(AttemptChanged)}
    rows = [
        sql.attempt_values(each.attempt, sweep_id=each.key[0], run=each.key[1]) for each in attempts.values()
    ]
    yield sql.ATTEMPT.upsert, rows
    yield from _guards(changes.of(GuardChanged))
    details = changes.of(DetailsChanged)
    yield _PUT_DETAILS, [sql.run_details_values(each) for each in details]
    yield _NAME_RUN, [_naming_values(each, number) for each in details]
    yield from _prior_runs(changes.of(PriorRunsTaken))
    yield from _rungs(changes.of(RungReached))
    yield sql.OBSERVATION.insert, [sql.observation_values(each) for each in changes.of(StudyObservation)]
    yield sql.EVENT.insert, [sql.event_values(each) for each in changes.of(HistoryEntry)]
    yield from _requests(changes.of(Remembered))


def _sweeps(changes: _Changes, number: int) -> Iterator[Statement]:
    newest = {change.sweep.key: change.sweep for change in changes.of(SweepChanged)}
    new = {change.sweep.key for change in changes.of(SweepChanged) if change.new}
    yield sql.SWEEP.insert, [sql.sweep_values(newest[key], changed=number) for key in newest if key in new]
    rows = [sql.sweep_changes(newest[key], changed=number) for key in newest if key not in new]
    yield sql.SWEEP.update, rows
    edited = [(spec_text(each.sweep.spec), each.sweep.key) for each in changes.of(SweepEdited)]
    yield _UPDATE_SPEC, cast("list[tuple[Value, ...]]", edited)


def _runs(changes: Sequence[RunChanged], number: int) -> Iterator[Statement]:
    newest = {change.run.key: change for change in changes}
    new = {change.run.key for change in changes if change.new}
    added = [each for key, each in newest.items() if key in new]
    yield sql.RUN.insert, [sql.run_values(each.run, value=each.value, changed=number) for each in added]
    moved = [each for key, each in newest.items() if key not in new]
    yield sql.RUN.update, [sql.run_changes(each.run, value=each.value, changed=number) for each in moved]


def _guards(changes: Sequence[GuardChanged]) -> Iterator[Statement]:
    newest = {(change.sweep, change.agent): change.guarded for change in changes}
    rows = [
        sql.agent_guard_values(guarded, sweep_id=sweep, agent=agent)
        for (sweep, agent), guarded in newest.items()
        if guarded
    ]
    yield sql.AGENT_GUARD.upsert, rows
    yield sql.AGENT_GUARD.delete, [key for key, guarded in newest.items() if not guarded]


def _prior_runs(taken: Sequence[PriorRunsTaken]) -> Iterator[Statement]:
    of_sweeps = [(each.sweep.key, prior) for each in taken for prior in each.runs]
    yield sql.PRIOR_RUN.insert, [sql.prior_run_values(prior, sweep_id=key) for key, prior in of_sweeps]
    rungs = (
        (key, rule, rung, prior.number, value)
        for key, prior in of_sweeps
        for rule, rung, value in prior.rungs
    )
    # Sorted as they lie in the table, which takes them faster then.
    yield sql.RUNG.upsert, cast("list[tuple[Value, ...]]", sorted(rungs))
    notes = (note for each in taken for note in prior_observations(each.sweep, each.runs))
    yield sql.OBSERVATION.insert, [sql.observation_values(note) for note in notes]


def _rungs(reached: Sequence[RungReached]) -> Iterator[Statement]:
    newest = {(each.sweep, each.rule, each.rung, each.run): each.value for each in reached}
    yield sql.RUNG.upsert, [(*key, value) for key, value in newest.items() if value is not None]
    yield sql.RUNG.delete, [key for key, value in newest.items() if value is None]


def _requests(remembered: Sequence[Remembered]) -> Iterator[Statement]:
    yield sql.REQUEST.insert, [sql.request_values(each) for each in remembered]
    taken = [(owner, each.size_bytes) for each in remembered for owner in charged(each.key)]
    yield ADD_TO_QUOTA, [(*owner, size) for owner, size in taken]


def _naming_values(details: DetailsChanged, number: int) -> tuple[Value, ...]:
    name, tags = details.display_name, json_text(details.tags)
    return (name, tags, number, *details.key, name, tags, details.attempt, details.sequence)
