"""Gathering of a new sweep's prior runs outside the owner loop: finds runs, judges them, reads curves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sweepd.spec.methods.sequence import points_taken
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.names import Parent, RunName, SweepName, run_name, standing_name
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.search.prior_runs import Candidate
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState
from sweepd_scheduler.reads.prior_curves import Curves
from sweepd_scheduler.reads.prior_found import (
    Filter,
    FoundRuns,
    Gathered,
    PriorOutcome,
    PriorRunCollector,
    Selection,
    summary_values,
    tagged,
)
from sweepd_scheduler.store.ports import Records, RunPosition
from sweepd_scheduler.store.records import Reading

T = TypeVar("T")

PAGE = 1_000
RUNS_A_CALL = 100
"""Number of runs per call in a thread, as the details of each may have half a MiB."""

MAX_GATHERINGS = 2
"""Maximum number of concurrent gatherings; each may hold all the prior runs of a sweep."""

MAX_NAMED = 5


class MissingRunsError(NotFoundError):
    """Some of the named runs do not exist."""

    def __init__(self, runs: Sequence[str]) -> None:
        named = ", ".join(f"{run:.200}" for run in runs[:MAX_NAMED])
        more = f" and {len(runs) - MAX_NAMED:,} more" if len(runs) > MAX_NAMED else ""
        verb = "do" if len(runs) > 1 else "does"
        super().__init__(f"{runs[0]:.200}", f"{named}{more} {verb} not exist")


class PriorRuns:
    """Gatherer of prior runs from the records of the scheduler and from the metric store."""

    def __init__(
        self, reading: Reading, curves: Curves, project_exists: Callable[[Parent], Awaitable[bool]]
    ) -> None:
        self._reading = reading
        self._records = reading.records
        self._curves = curves
        self._project_exists = project_exists
        self._gatherings = asyncio.Semaphore(MAX_GATHERINGS)

    async def gather(self, spec: SweepSpec, wanted: Selection) -> Gathered:
        """Return the selected runs that suit a sweep, with their results, and why the other runs do not suit.

        Args:
            spec: specification of the sweep.
            wanted: the selection; the caller must be allowed to see everything that it names.

        Raises:
            DomainError: a named entity is missing, there are too many runs, or curves cannot be read.
        """
        async with self._gatherings:
            found = FoundRuns(spec)
            await self._named(wanted.runs, found)
            for name in wanted.sweeps:
                await self._of_whole_sweep(await self._reading.sweep(name), wanted.filter, found)
            if wanted.project is not None:
                if not await self._project_exists(wanted.project):
                    raise NotFoundError(str(wanted.project), f"project {wanted.project} does not exist")
                async for sweep in self._sweeps(wanted.project):
                    if sweep.name not in wanted.sweeps:
                        await self._of_whole_sweep(sweep, wanted.filter, found)
            return await self._with_curves(wanted.filter, found)

    async def _named(self, texts: Sequence[str], found: FoundRuns) -> None:
        """Judge the runs that were selected by name, sweep by sweep.

        Raises:
            MissingRunsError: some of them do not exist.
        """
        missing: list[str] = []
        by_sweep: dict[SweepName, dict[int, str]] = {}
        standalone: dict[str, RunName] = {}
        for text in texts:
            try:
                name = run_name(text)
            except NotFoundError:
                missing.append(text)
                continue
            if name.sweep.is_standing:
                standalone[text] = name
            else:
                by_sweep.setdefault(name.sweep, {})[name.number] = text
        for sweep_name, numbers in by_sweep.items():
            known = await self._of_sweep(sweep_name, list(numbers), found)
            for number, text in numbers.items():
                if number not in known:  # a standalone run may have an id of this form
                    standalone[text] = RunName(sweep_name, number)
        for part in _parts(standalone.items(), PAGE):
            runs = await self._reading(_standalone_runs, self._records, [name for _, name in part])
            missing += [text for (text, _), run in zip(part, runs, strict=True) if run is None]
            await self._judge([run for run in runs if run is not None], None, found, named=True)
        if missing:
            raise MissingRunsError(missing)

    async def _of_sweep(self, name: SweepName, numbers: Sequence[int], found: FoundRuns) -> set[int]:
        """Judge the runs of a sweep with these numbers, and return the numbers that exist."""
        sweep = await self._reading(self._records.sweep, name)
        known: set[int] = set()
        for part in _parts(numbers if sweep else (), PAGE):
            assert sweep is not None
            runs = await self._reading(self._records.chosen_runs, sweep, (), part)
            known.update(run.number for run in runs)
            await self._judge(runs, sweep.spec, found, named=True)
        return known

    async def _sweeps(self, project: Parent) -> AsyncIterator[Sweep]:
        """Yield the sweeps of a project, the newest first, then its standing sweep."""
        before: int | None = None
        while True:
            page = await self._reading(
                self._records.sweeps, project.entity, project.project, (), before, PAGE
            )
            for sweep in page.entries:
                yield sweep
            if not page.more:
                break
            before = page.entries[-1].key
        standing = await self._reading(self._records.sweep, standing_name(project))
        if standing is not None:
            yield standing

    async def _of_whole_sweep(self, sweep: Sweep, chosen: Filter, found: FoundRuns) -> None:
        """Judge the runs of a sweep that match a filter, ordered by number."""
        after: RunPosition | None = None
        while True:
            page = await self._reading(self._records.runs, sweep, _states(chosen), after, PAGE, best=False)
            runs = await self._matching(page.entries, chosen, chosen.tags - set(sweep.spec.tags))
            await self._judge(runs, None if sweep.name.is_standing else sweep.spec, found)
            if not page.more:
                return
            after = RunPosition(number=page.entries[-1].number)

    async def _judge(
        self, runs: Sequence[Run], before: SweepSpec | None, found: FoundRuns, *, named: bool = False
    ) -> None:
        unsure = await self._reading.work(found.judge, runs, before, named=named)
        for part in _parts(unsure, RUNS_A_CALL):
            await self._reading(found.judge_with_details, self._records, part, before)

    async def _matching(self, runs: Sequence[Run], chosen: Filter, tags: frozenset[str]) -> list[Run]:
        """Return the runs that match a filter; `tags`: required tags that their sweep does not have."""
        matching = [run for run in runs if run.attempts and chosen.takes_time(run.create_time)]
        if not tags:
            return matching
        found: list[Run] = []
        for part in _parts(matching, RUNS_A_CALL):
            found += await self._reading(tagged, self._records, part, tags)
        return found

    async def _with_curves(self, chosen: Filter, found: FoundRuns) -> Gathered:
        spec, collector = found.spec, PriorRunCollector(found, chosen)
        judged = (
            self._unscored(collector) if spec.metric is None else self._results(collector, spec.metric.name)
        )
        async for part in judged:
            for each, outcome in part:
                collector.add(each, outcome)
        points = list({prior.digest: prior.point for prior in collector.runs}.values())
        return Gathered(
            taken=tuple(collector.runs),
            points=await self._reading.work(points_taken, spec, points),
            unsuitable=tuple(found.unsuitable),
            left_out=found.left_out,
            without_curve=collector.without_curve,
        )

    async def _results(
        self, collector: PriorRunCollector, key: str
    ) -> AsyncIterator[list[tuple[Candidate, PriorOutcome]]]:
        """Yield each candidate with its result from its curve and summary, in order and in batches."""
        candidates = collector.found.candidates
        summaries = await self._summaries(candidates, key)

        def judged(place: int, curve: Sequence[float]) -> tuple[Candidate, PriorOutcome]:
            each = candidates[place]
            return each, collector.judge(each, curve, summaries.get(each.key))

        async for part in self._curves.of([each.run.source for each in candidates], key, judged):
            yield part

    async def _summaries(self, candidates: Sequence[Candidate], key: str) -> dict[RunKey, float]:
        """Read the summary values under a key of the candidates for which the scheduler stores no value."""
        summaries: dict[RunKey, float] = {}
        for part in _parts((each.key for each in candidates if each.counted.best is None), RUNS_A_CALL):
            found = await self._reading(summary_values, self._records, part, key)
            summaries |= {run: value for run, value in zip(part, found, strict=True) if value is not None}
        return summaries

    async def _unscored(
        self, collector: PriorRunCollector
    ) -> AsyncIterator[list[tuple[Candidate, PriorOutcome]]]:
        for part in _parts(collector.found.candidates, PAGE):
            yield [(each, collector.judge(each, ())) for each in part]
            await asyncio.sleep(0)  # let other tasks run


def _states(chosen: Filter) -> Sequence[RunState]:
    return chosen.states or tuple(sorted(FINAL_RUN))


def _standalone_runs(records: Records, names: Sequence[RunName]) -> list[Run | None]:
    """Return the standalone run of each name; None for a name that no standalone run has."""
    found = (records.run(name) for name in names)
    return [run if run is not None and run.is_standalone else None for run in found]


def _parts(entries: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(entries)
    while part := list(islice(rest, size)):
        yield part
