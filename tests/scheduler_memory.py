"""In-memory store of the scheduler, with both interfaces: `Store` and `Records`."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from sweepd.spec.point import Point
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_kernel.errors import StorageError
from sweepd_scheduler.domain.agents.agent import GuardRecord, StoredAttempt
from sweepd_scheduler.domain.effects import (
    Change,
    DetailsChanged,
    GuardChanged,
    HistoryEntry,
    PriorRunsTaken,
    RunChanged,
    RungReached,
    SweepChanged,
)
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.requests.remembered import (
    EVERYBODY,
    Recollection,
    Remembered,
    RequestKey,
    Used,
    charged,
)
from sweepd_scheduler.domain.runs.results import RunSample, RunValue
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.runs.values import EndedTrial, better
from sweepd_scheduler.domain.search.prior_runs import PriorRun, prior_observations
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.state import RECENT_RUNS
from sweepd_scheduler.domain.sweep import EndedSweep, StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, RunState, SweepState
from sweepd_scheduler.message_size import Page, page, point_weight, prior_weight, run_weight, sweep_weight
from sweepd_scheduler.store.ports import (
    Changed,
    Loaded,
    ProjectCounts,
    RunPlace,
    RunPosition,
    StudyLine,
    TriedPoint,
)


class MemoryStore:
    """Store and records in dictionaries; while `unavailable`, commits fail as on a full disk."""

    def __init__(self) -> None:
        self.unavailable = False
        self._sweeps: dict[int, tuple[Sweep, int]] = {}
        self._runs: dict[RunKey, tuple[Run, int]] = {}
        self._rungs: dict[tuple[int, int, int, int], float] = {}
        self._priors: dict[int, Sequence[PriorRun]] = {}
        self._guards: dict[tuple[int, str], GuardRecord] = {}
        self._details: dict[RunKey, DetailsChanged] = {}
        self._observations: list[StudyObservation] = []
        self._history: list[HistoryEntry] = []
        self._requests: dict[RequestKey, Remembered] = {}
        self._number = 0

    def commit(self, changes: Sequence[Change], number: int) -> None:
        """Store all changes, or nothing."""
        if self.unavailable:
            raise StorageError("scheduler", "memory", "the test makes it fail", full=True)
        self._number = number
        for change in changes:
            match change:
                case SweepChanged(sweep=sweep):
                    self._sweeps[sweep.key] = (sweep, number)
                case PriorRunsTaken(sweep=sweep, runs=priors):
                    self._put_prior_runs(sweep, priors)
                case RunChanged(run=run):
                    self._runs[run.key] = (self._named(run), number)
                case RungReached(value=None):
                    self._rungs.pop((change.sweep, change.rule, change.rung, change.run), None)
                case RungReached(value=value) if value is not None:
                    self._rungs[(change.sweep, change.rule, change.rung, change.run)] = value
                case GuardChanged(guarded=None):
                    self._guards.pop((change.sweep, change.agent), None)
                case GuardChanged(guarded=GuardRecord() as guarded):
                    self._guards[(change.sweep, change.agent)] = guarded
                case DetailsChanged():
                    self._put_details(change, number)
                case StudyObservation():
                    self._observations.append(change)
                case HistoryEntry():
                    self._history.append(change)
                case Remembered():
                    self._requests[change.key] = change

    def load(self) -> Loaded:
        """Return the state in memory."""
        active = [sweep for sweep, _ in self._sweeps.values() if not _has_ended(sweep)]
        ended = [sweep for sweep, _ in self._sweeps.values() if _has_ended(sweep)]
        return Loaded(
            sweeps=tuple(self._stored(sweep) for sweep in active),
            ended=tuple((sweep.key, EndedSweep.of(sweep)) for sweep in ended),
            newest_request=max((each.time for each in self._requests.values()), default=0),
            number=self._number,
        )

    def recall(self, keys: Collection[RequestKey], forget_before: int) -> Recollection:
        """Return the stored state of some requests and of their quotas."""
        kept = {key: each for key, each in self._requests.items() if each.time >= forget_before}
        self._requests = kept
        owners = {owner for key in keys for owner in charged(key)} | {EVERYBODY}
        of_owner = {owner: [each for each in kept.values() if owner in charged(each.key)] for owner in owners}
        return Recollection(
            requests={key: kept[key] for key in keys if key in kept},
            used={
                owner: Used(
                    size_bytes=sum(each.size_bytes for each in some),
                    oldest=min((each.time for each in some), default=0),
                )
                for owner, some in of_owner.items()
            },
        )

    def close(self) -> None:
        """Do nothing: the store remains usable."""

    def sweep(self, name: SweepName) -> Sweep | None:
        """Return one sweep."""
        return next((sweep for sweep, _ in self._sweeps.values() if sweep.name == name), None)

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
        found = [
            replace(sweep, file=None)
            for _, (sweep, _) in sorted(self._sweeps.items(), reverse=True)
            if not sweep.name.is_standing
            and entity in ("", sweep.name.parent.entity)
            and project in ("", sweep.name.parent.project)
            and (not states or sweep.state in states)
            and (before is None or sweep.key < before)
            and bounds.covers(sweep.name.parent.entity, sweep.name.parent.project)
        ]
        return page(found, limit, sweep_weight)

    def project_names(self) -> Sequence[Parent]:
        """Return the projects that have sweeps or runs."""
        return list({sweep.name.parent for sweep, _ in self._sweeps.values()})

    def project_counts(self, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
        """Return the counts of sweeps and runs of each project."""
        sweeps = [sweep for sweep, _ in self._sweeps.values()]
        return [counted([sweep for sweep in sweeps if sweep.name.parent == each]) for each in projects]

    def stored(self, name: SweepName) -> StoredSweep | None:
        """Return one sweep with the state that the owner holds of an active sweep."""
        sweep = self.sweep(name)
        return self._stored(sweep) if sweep else None

    def chosen_runs(self, sweep: Sweep, states: Sequence[RunState], numbers: Sequence[int]) -> Sequence[Run]:
        """Return the runs with given states and numbers, ordered by number; an empty filter matches all."""
        return [
            run
            for run in self._runs_of(sweep.key)
            if (not states or run.state in states) and (not numbers or run.number in numbers)
        ]

    def events(self, sweep: int, run: int, limit: int) -> Sequence[HistoryEntry]:
        """Return the newest history entries of a run, oldest first."""
        return [entry for entry in self._history if entry.sweep == sweep and entry.run == run][-limit:]

    def run(self, name: RunName) -> Run | None:
        """Return one run."""
        sweep = self.sweep(name.sweep)
        if sweep is None:
            name = name.as_standalone()
            sweep = self.sweep(name.sweep)
        if sweep is None:
            return None
        if name.sweep.is_standing:
            return next((run for run in self._runs_of(sweep.key) if run.digest == name.id.encode()), None)
        found = self._runs.get((sweep.key, name.number))
        return found[0] if found else None

    def details(self, run: RunKey) -> bytes | None:
        """Return the details of a run; None if there are none."""
        found = self._details.get(run)
        return found.body if found else None

    def runs(
        self, sweep: Sweep, states: Sequence[RunState], after: RunPosition | None, limit: int, *, best: bool
    ) -> Page[Run]:
        """Return runs ordered by number, or by value with the best first."""
        found = [run for run in self._runs_of(sweep.key) if not states or run.state in states]
        if best:
            sign = 1 if better(0.0, 1.0, sweep.goal) else -1
            valued = [(run.value(sweep.value_kind), run) for run in found]
            found = [
                run
                for _, _, run in sorted(
                    (sign * value, run.number, run) for value, run in valued if value is not None
                )
            ]
        if after is not None:
            index = next((n for n, run in enumerate(found) if run.number == after.number), -1)
            found = found[index + 1 :]
        return page(found, limit, run_weight)

    def runs_of_project(
        self,
        parent: Parent,
        states: Sequence[RunState],
        before: RunPlace | None,
        limit: int,
        *,
        standalone: bool,
    ) -> Page[Run]:
        """Return the runs of a project's sweeps and its standalone runs, newest first."""
        found = [
            (run.create_time, *run.key)
            for run, _ in self._runs.values()
            if self._sweeps[run.sweep][0].name.parent == parent
            and (run.is_standalone or not standalone)
            and (not states or run.state in states)
        ]
        later = sorted((place for place in found if before is None or place < before), reverse=True)
        return page((self._runs[key, number][0] for _, key, number in later), limit, run_weight)

    def snapshot(self, sweep: int, after: int, limit: int) -> Changed:
        """Return a sweep and its runs with numbers above `after`."""
        found = [run for run in self._runs_of(sweep) if run.number > after]
        return self._changed(sweep, found, limit)

    def changed_since(self, sweep: int, number: int, limit: int) -> Changed | None:
        """Return the changes after commit `number`; None if they are unknown or too many."""
        found = [run for run in self._runs_of(sweep) if self._runs[run.key][1] > number]
        changed = self._changed(sweep, found, limit)
        return None if changed.more or number > self._last_number() else changed

    def observations(self, sweep: int, after: int, limit: int) -> Page[StudyLine]:
        """Return numbered observations of a study in order."""
        found = [each for each in self._observations if each.sweep == sweep and each.number > after]
        lines = (
            StudyLine(
                note=each,
                point=self._point(sweep, each.run) if each.event is StudyEvent.HANDED_OUT else None,
            )
            for each in found
        )
        return page(lines, limit, lambda line: line.weight)

    def prior_runs(self, sweep: int, after: int, limit: int) -> Page[PriorRun]:
        """Return the prior runs of a sweep."""
        found = [replace(prior, rungs=()) for prior in self._priors.get(sweep, ()) if prior.index > after]
        return page(found, limit, prior_weight)

    def run_values(self, sweep: Sweep) -> Sequence[RunValue]:
        """Return number, state and value of each run of a sweep, ordered by number."""
        return [
            RunValue(run.number, run.block, run.state, run.end_time, run.value(sweep.value_kind))
            for run in self._runs_of(sweep.key)
        ]

    def tried_points(self, sweep: Sweep, share: RunSample, limit: int, *, valued: bool) -> Page[TriedPoint]:
        """Return the points of finished and stopped runs, ordered by number."""
        tried = [
            TriedPoint(run.number, run.point, run.value(sweep.value_kind))
            for run in self._runs_of(sweep.key)
            if run.state in (RunState.FINISHED, RunState.STOPPED)
        ]
        if valued:
            tried += [
                TriedPoint(prior.number, prior.point, prior.value)
                for prior in self._priors.get(sweep.key, ())
                if prior.state in (RunState.FINISHED, RunState.STOPPED)
            ]
        chosen = [one for one in tried if share.has(one.run) and not (valued and one.value is None)]
        return page(sorted(chosen, key=lambda one: one.run), limit, lambda tried: point_weight(tried.point))

    def known(self, attempts: Sequence[tuple[RunName, int]]) -> Sequence[StoredAttempt | None]:
        """Return the stored state of each attempt."""
        return [self._known(name, number) for name, number in attempts]

    def _put_prior_runs(self, sweep: Sweep, priors: Sequence[PriorRun]) -> None:
        self._priors[sweep.key] = priors
        self._observations += prior_observations(sweep, priors)
        for prior in priors:
            for rule, rung, value in prior.rungs:
                self._rungs[(sweep.key, rule, rung, prior.number)] = value

    def _point(self, sweep: int, run: int) -> Point:
        return self._runs[(sweep, run)][0].point if run > 0 else self._priors[sweep][-run - 1].point

    def _known(self, name: RunName, number: int) -> StoredAttempt | None:
        run = self.run(name)
        if run is None or not 1 <= number <= run.attempt:
            return None
        attempt, details = run.attempts[number - 1], self._details.get(run.key)
        return StoredAttempt(
            key=run.key,
            run=run.name,
            sweep=str(self._sweeps[run.sweep][0].name),
            run_state=run.state,
            state=attempt.state,
            observation_row=run.observation_row if number == run.attempt else 0,
            resumed_from_step=attempt.resumed_from_step,
            details_sequence=details.sequence if details and details.attempt == number else 0,
            secret_digest=attempt.secret_digest,
        )

    def _put_details(self, change: DetailsChanged, number: int) -> None:
        known = self._details.get(change.key)
        if known is None or (known.attempt, known.sequence) < (change.attempt, change.sequence):
            self._details[change.key] = change
            run, _ = self._runs[change.key]
            if (change.display_name, change.tags) != (run.display_name, run.tags):
                self._runs[change.key] = (self._named(run), number)

    def _named(self, run: Run) -> Run:
        """Return a run with display name and tags from its stored details."""
        known = self._details.get(run.key)
        if known is None:
            return replace(run, display_name="", tags=())
        return replace(run, display_name=known.display_name, tags=known.tags)

    def _stored(self, sweep: Sweep) -> StoredSweep:
        runs = self._runs_of(sweep.key)
        ended = [run for run in runs if run.state in FINAL_RUN]
        counted = max(0, min(RECENT_RUNS, sweep.counts.ended - sweep.guarded_from))
        latest = sorted(ended, key=lambda run: (run.end_time, run.number))[len(ended) - counted :]
        return StoredSweep(
            sweep=sweep,
            runs=tuple(run for run in runs if run.state not in FINAL_RUN),
            digests=Counter(run.digest for run in runs if run.repeat == 0)
            + Counter(prior.digest for prior in self._priors.get(sweep.key, ())),
            rung_values=self._rung_values(sweep.key),
            durations=tuple((r.end_time - r.start_time) / 1e6 for r in runs if r.end_time and r.start_time),
            ended=tuple((run.block, _ended(run, sweep)) for run in ended),
            recent=tuple(run.state is RunState.FAILED for run in latest),
            guards={agent: each for (key, agent), each in self._guards.items() if key == sweep.key},
        )

    def _rung_values(self, sweep: int) -> dict[tuple[int, int], dict[int, float]]:
        found: dict[tuple[int, int], dict[int, float]] = {}
        for (key, rule, rung, run), value in self._rungs.items():
            if key == sweep:
                found.setdefault((rule, rung), {})[run] = value
        return found

    def _runs_of(self, sweep: int) -> list[Run]:
        return [
            run for (key, _), (run, _) in sorted(self._runs.items(), key=lambda each: each[0]) if key == sweep
        ]

    def _changed(self, sweep: int, found: Sequence[Run], limit: int) -> Changed:
        entity, number = self._sweeps[sweep]
        part = page(found, limit, run_weight)
        return Changed(
            sweep=entity,
            runs=part.entries,
            number=max(number, *(self._runs[run.key][1] for run in part.entries), 0),
            more=part.more,
        )

    def _last_number(self) -> int:
        rows = (number for _, number in (*self._sweeps.values(), *self._runs.values()))
        return max((*rows, *(entry.number for entry in self._history)), default=0)


def _ended(run: Run, sweep: Sweep) -> EndedTrial:
    return EndedTrial(
        state=run.state,
        tried=bool(run.attempts),
        value=run.value(sweep.value_kind),
        best=run.values.best,
        worst=run.values.worst,
        last=run.values.last,
        iterations=run.values.iterations,
    )


def _has_ended(sweep: Sweep) -> bool:
    return sweep.state in FINAL_SWEEP and not sweep.counts.unfinished


def counted(sweeps: Sequence[Sweep]) -> ProjectCounts:
    """Return the counts of a project; its nameless sweep contains the standalone runs."""
    return ProjectCounts(
        create_time=min((sweep.create_time for sweep in sweeps), default=0),
        sweeps=sum(bool(sweep.name.id) for sweep in sweeps),
        runs=sum(sweep.counts.total for sweep in sweeps),
    )
