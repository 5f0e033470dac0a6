"""Gathers the prior runs of a new sweep, beside the owner loop: finds and judges them, reads their curves."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from sweepd.spec import SweepSpec
from sweepd.spec.sizes import points_taken
from sweepd_kernel.bounds import EVERYWHERE, Bounds
from sweepd_kernel.errors import InvalidFieldError, NotFoundError
from sweepd_scheduler.domain.names import Parent, RunName, SweepName, run_name
from sweepd_scheduler.domain.prior.prior_run import PriorRun
from sweepd_scheduler.domain.prior.suitability import (
    Candidate,
    PointError,
    UnsuitableError,
    candidate,
    prior_run,
)
from sweepd_scheduler.domain.runs.run import FINAL, Run
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.ports import RunPlace, RunPosition
from sweepd_scheduler.prior_codec import MOST_RUNS, MOST_TOLD, Filter, Gathered, Selection
from sweepd_scheduler.prior_curves import Curves
from sweepd_scheduler.prior_details import Told, told_of
from sweepd_scheduler.reading import Reading

PAGE = 1_000
_NO_SUCH_RUN = "there is no such run"
MOST_RUNG_VALUES = 500_000
"""Values at rungs that one sweep begins with: all of them are in memory, and read at each start."""


@dataclass(slots=True)
class _Found:
    """What was found so far; runs that were named are taken whatever the filter says."""

    candidates: dict[str, tuple[Candidate, bool]] = field(default_factory=dict)
    unsuitable: dict[str, str] = field(default_factory=dict)

    def refuse(self, run: str, why: str) -> None:
        """Leave a run out."""
        self.unsuitable.setdefault(run, why)

    def judge(
        self, spec: SweepSpec, before: SweepSpec | None, runs: Sequence[Run], *, named: bool
    ) -> list[Run]:
        """Take the runs, of a sweep with the specification `before` or of none, whose points suit.

        Return those whose points do not, but may with what their scripts have told.
        """
        unsure: list[Run] = []
        for run in runs:
            if run.name in self.candidates or run.name in self.unsuitable:
                continue
            try:
                self.candidates[run.name] = candidate(spec, run, before), named
            except PointError:
                unsure.append(run)
            except UnsuitableError as error:
                self.refuse(run.name, str(error))
        return unsure

    def judge_told(
        self,
        spec: SweepSpec,
        before: SweepSpec | None,
        runs: Sequence[Run],
        told: Sequence[Told],
        *,
        named: bool,
    ) -> None:
        """Take those that suit with what their scripts have told."""
        for run, each in zip(runs, told, strict=True):
            try:
                self.candidates[run.name] = candidate(spec, run, before, each.config), named
            except UnsuitableError as error:
                self.refuse(run.name, str(error))


class PriorRuns:
    """Where prior runs come from: the records of the scheduler, and the metric store."""

    def __init__(self, reading: Reading, curves: Curves) -> None:
        self._reading = reading
        self._records = reading.records
        self._curves = curves

    async def gather(self, spec: SweepSpec, wanted: Selection, bounds: Bounds = EVERYWHERE) -> Gathered:
        """Return the runs that suit a sweep, with what they come to there, and why others do not.

        Args:
            spec: the sweep.
            wanted: which runs are meant.
            bounds: where the caller may look; what lies outside does not exist.

        Raises:
            DomainError: a sweep is missing, there are too many, or their curves cannot be read.
        """
        found = _Found()
        await self._named(spec, wanted.runs, found, bounds)
        async for sweep in self._sweeps(wanted, bounds):
            await self._whole(spec, sweep, wanted.filter, found)
        if wanted.project is not None:
            await self._stand_alone(spec, wanted.project, wanted.filter, found)
        return await self._with_curves(spec, wanted.filter, found)

    async def _named(self, spec: SweepSpec, names: Sequence[str], found: _Found, bounds: Bounds) -> None:
        by_sweep: dict[SweepName, dict[int, str]] = {}
        for text in names:
            try:
                name = run_name(text)
            except NotFoundError:
                found.refuse(text, _NO_SUCH_RUN)
                continue
            if not bounds.covers(name.sweep.parent.entity, name.sweep.parent.project):
                found.refuse(text, _NO_SUCH_RUN)
            elif name.sweep.stands_for_none:
                await self._by_itself(spec, name, text, found)
            else:
                by_sweep.setdefault(name.sweep, {})[name.number] = text
        for sweep_name, numbers in by_sweep.items():
            sweep = await self._reading(self._records.sweep, sweep_name)
            known: set[int] = set()
            places = list(numbers) if sweep else []
            for start in range(0, len(places), PAGE):
                assert sweep is not None
                some = places[start : start + PAGE]
                runs = await self._reading(self._records.chosen_runs, sweep, (), some)
                known.update(run.number for run in runs)
                await self._judge(spec, sweep.spec, runs, found, named=True)
            for number, text in numbers.items():
                if number not in known:  # what looks like a run of a sweep may be one by itself
                    await self._by_itself(spec, RunName(sweep_name, number), text, found)

    async def _by_itself(self, spec: SweepSpec, name: RunName, text: str, found: _Found) -> None:
        run = await self._reading(self._records.run, name)
        if run is None or not run.stands_alone:
            found.refuse(text, _NO_SUCH_RUN)
            return
        await self._judge(spec, None, [run], found, named=True)

    async def _stand_alone(self, spec: SweepSpec, project: Parent, chosen: Filter, found: _Found) -> None:
        """Take the runs of a project that belong to no sweep, the newest first."""
        states = chosen.states or tuple(sorted(FINAL))
        before: RunPlace | None = None
        while True:
            page = await self._reading(
                self._records.runs_of_project, project, states, before, PAGE, stand_alone=True
            )
            runs = await self._meant(page.entries, chosen, chosen.tags)
            await self._judge(spec, None, runs, found, named=False)
            _check_number(found)
            if not page.more:
                return
            last = page.entries[-1]
            before = (last.create_time, *last.key)

    async def _sweeps(self, wanted: Selection, bounds: Bounds) -> AsyncIterator[Sweep]:
        """Yield the sweeps that are meant as a whole, oldest first."""
        for name in wanted.sweeps:
            inside = bounds.covers(name.parent.entity, name.parent.project)
            sweep = await self._reading(self._records.sweep, name) if inside else None
            if sweep is None:
                raise NotFoundError(str(name))
            yield sweep
        if wanted.project is None:
            return
        entity, project = wanted.project.entity, wanted.project.project
        if not bounds.covers(entity, project):
            raise NotFoundError(str(wanted.project))
        before: int | None = None
        listed: list[Sweep] = []
        while True:
            page = await self._reading(self._records.sweeps, entity, project, (), before, PAGE)
            listed += page.entries
            if not page.more:
                break
            before = page.entries[-1].key
        for sweep in reversed(listed):
            yield sweep

    async def _whole(self, spec: SweepSpec, sweep: Sweep, chosen: Filter, found: _Found) -> None:
        states = chosen.states or tuple(sorted(FINAL))
        after: RunPosition | None = None
        while True:
            page = await self._reading(self._records.runs, sweep, states, after, PAGE, best=False)
            runs = await self._meant(page.entries, chosen, chosen.tags - set(sweep.spec.tags))
            await self._judge(spec, sweep.spec, runs, found, named=False)
            _check_number(found)
            if not page.more:
                return
            after = RunPosition(number=page.entries[-1].number)

    async def _judge(
        self, spec: SweepSpec, before: SweepSpec | None, runs: Sequence[Run], found: _Found, *, named: bool
    ) -> None:
        unsure = await self._reading.work(found.judge, spec, before, runs, named=named)
        if unsure:
            told = await self._reading(told_of, self._records, [run.key for run in unsure])
            await self._reading.work(found.judge_told, spec, before, unsure, told, named=named)

    async def _meant(self, runs: Sequence[Run], chosen: Filter, tags: frozenset[str]) -> list[Run]:
        """Return the runs that a filter takes; `tags` are those that their sweep does not have."""
        meant = [run for run in runs if run.attempts and chosen.takes_time(run.create_time)]
        if not tags:
            return meant
        told = await self._reading(told_of, self._records, [run.key for run in meant])
        return [run for run, each in zip(meant, told, strict=True) if tags <= each.tags]

    async def _with_curves(self, spec: SweepSpec, chosen: Filter, found: _Found) -> Gathered:
        candidates = list(found.candidates.values())
        taken: list[PriorRun] = []
        without_curve = rungs = 0
        async for place, curve in self._all_curves(spec, [each.source for each, _ in candidates]):
            each, named = candidates[place]
            if not curve and spec.metric is not None:
                (told,) = await self._reading(told_of, self._records, [each.key])
                value = told.value(spec.metric.name)
                curve = [] if value is None else [value]
            try:
                prior = prior_run(spec, each, len(taken) + 1, curve)
            except UnsuitableError as error:
                if named or not chosen.needs_value:
                    found.refuse(each.source, str(error))
                continue
            if not named and not chosen.takes_value(prior.value):
                continue
            if rungs + len(prior.rungs) > MOST_RUNG_VALUES:
                prior = replace(prior, rungs=())
                without_curve += 1
            rungs += len(prior.rungs)
            taken.append(prior)
        points = list({prior.digest: prior.point for prior in taken}.values())
        return Gathered(
            taken=tuple(taken),
            points=await self._reading.work(points_taken, spec, points),
            unsuitable=tuple(found.unsuitable.items())[:MOST_TOLD],
            left_out=len(found.unsuitable),
            without_curve=without_curve,
        )

    async def _all_curves(
        self, spec: SweepSpec, runs: Sequence[str]
    ) -> AsyncIterator[tuple[int, list[float]]]:
        if spec.metric is None:
            for place in range(len(runs)):
                yield place, []
            return
        async for place, curve in self._curves.of(runs, spec.metric.name):
            yield place, curve


def _check_number(found: _Found) -> None:
    if len(found.candidates) > MOST_RUNS:
        raise InvalidFieldError("prior_runs", f"a sweep begins with {MOST_RUNS:,} runs at most")
