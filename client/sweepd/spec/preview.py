"""Preview of a sweep before it exists: its first runs, and how many there will be. Pure.

The points are those that a server hands out for the same seed; bayes, whose points depend on results,
shows random ones.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sweepd.spec.command import active_command, expand_command
from sweepd.spec.macros import CommandError, MacroValues, check_room
from sweepd.spec.methods.proposed import Cursor, Proposed, Source
from sweepd.spec.methods.sequence import (
    MOST_STEPS,
    count_distinct,
    known_size,
    next_point,
    planned_runs,
    points_taken,
)
from sweepd.spec.point import Point, point_digest
from sweepd.spec.space.walk import Count
from sweepd.spec.stop_rules import urgent_iterations
from sweepd.spec.sweep_spec import SweepSpec

MOST_RUNGS = 64
PATIENCE = 10
"""Broken-off searches for points after which a preview gives up."""

_ARGS_JSON_FILE = "${args_json_file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedRun:
    """One run that a sweep would start.

    Args:
        point: its parameters.
        argv: the arguments of its process; what only an agent knows stays a macro. Empty if impossible.
        problem: why they cannot be made; else empty.
        source: how the point is chosen.
        repeat: which of the runs of its point it is.
    """

    point: Point
    argv: tuple[str, ...]
    problem: str
    source: Source
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """First runs of a sweep, and its size.

    Args:
        runs: its first runs, in order.
        size: how many distinct points it has to choose from.
        planned_runs: how many runs it will have started at its end; None: without bound, or it is not known.
        rungs: the first iterations at which early termination may act.
        seed: of its points.
        broken_off: whether points are so rare that the search for the next was given up.
    """

    runs: tuple[PreviewedRun, ...]
    size: Count
    planned_runs: int | None
    rungs: tuple[int, ...]
    seed: int
    broken_off: bool


def preview(
    spec: SweepSpec,
    count: int,
    *,
    interpreter: str = "python",
    fits: Callable[[PreviewedRun], bool] = lambda run: True,
    patience: int = PATIENCE,
    steps: int = MOST_STEPS,
    prior: Collection[Point] = (),
) -> Preview:
    """Return the first runs of a sweep that has a seed, and what there is to know of the others.

    Args:
        spec: the sweep.
        count: how many runs to show at most.
        interpreter: what `${interpreter}` stands for.
        fits: whether there is room for one more; the first for which there is none ends the preview.
        patience: how often the search for points may be broken off.
        steps: how far points are counted one by one.
        prior: distinct points that runs have had before: none of them comes again.
    """
    size = count_distinct(spec, steps)
    runs: list[PreviewedRun] = []
    broken_off = False
    for run in first_runs(spec, count, size, interpreter=interpreter, patience=patience, prior=prior):
        if run is None:
            broken_off = True
        elif fits(run):
            runs.append(run)
        else:
            break
    return Preview(
        runs=tuple(runs),
        size=size,
        planned_runs=planned_runs(spec, _known(spec, size), points_taken(spec, prior)),
        rungs=urgent_iterations(spec.early_terminate, MOST_RUNGS),
        seed=spec.seed or 0,
        broken_off=broken_off,
    )


def first_runs(
    spec: SweepSpec,
    count: int,
    size: Count,
    *,
    interpreter: str = "python",
    patience: int = PATIENCE,
    prior: Iterable[Point] = (),
) -> Iterator[PreviewedRun | None]:
    """Yield the first runs of a sweep one by one; None at last if finding more takes too long.

    Args:
        spec: the sweep.
        count: how many runs to yield at most.
        size: how many points it has, as its preview has counted them.
        interpreter: what `${interpreter}` stands for.
        patience: how often the search for points may be broken off.
        prior: points that do not come again.
    """
    left = count if spec.run_cap is None else min(count, spec.run_cap)
    points = _points(spec, _known(spec, size), patience, prior)
    for proposed in islice(points, -(-left // spec.repeats)):
        if proposed is None:
            yield None
            return
        for repeat in range(min(spec.repeats, left)):
            yield _run(spec, proposed, repeat, interpreter)
        left -= spec.repeats


def _known(spec: SweepSpec, size: Count) -> int | None:
    """Return how many points the method may hand out, where that is exact."""
    return known_size(spec, None if size.is_estimate else size.value)


def _points(
    spec: SweepSpec, size: int | None, patience: int, prior: Iterable[Point]
) -> Iterator[Proposed | None]:
    """Yield the points of a sweep in order; None at last if finding more takes too long."""
    cursor, seen = Cursor(), {point_digest(point): 1 for point in prior}
    while patience > 0:
        cursor, proposed, done = next_point(spec, cursor, seen, size)
        if done:
            return
        if proposed is None:
            patience -= 1
            continue
        seen[proposed.digest] = seen.get(proposed.digest, 0) + 1
        yield proposed
    yield None


def _run(spec: SweepSpec, proposed: Proposed, repeat: int, interpreter: str) -> PreviewedRun:
    argv: tuple[str, ...] = ()
    problem = ""
    try:
        source = MacroValues(
            program=spec.program,
            params=proposed.point,
            interpreter=interpreter,
            args_json_file=_ARGS_JSON_FILE,
            repeat=repeat,
        )
        argv = tuple(expand_command(active_command(spec, proposed.point), source, None))
        check_room(argv, None)
    except CommandError as error:
        argv, problem = (), str(error)
    return PreviewedRun(
        point=proposed.point, argv=argv, problem=problem, source=proposed.source, repeat=repeat
    )
