"""Preview of a sweep before its creation: the first runs, and the total number of runs.

The points are those that a server hands out for the same seed. For bayes, whose points depend on results,
random points are shown.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sweepd.spec.command import active_command, expand_command
from sweepd.spec.macros import CommandError, MacroValues, check_room
from sweepd.spec.methods.proposed import Cursor, Proposed, Source
from sweepd.spec.methods.sequence import (
    MAX_COUNT_STEPS,
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

MAX_RUNGS = 64
PATIENCE = 10
"""Number of unsuccessful searches for a point after which a preview gives up."""

_ARGS_JSON_FILE = "${args_json_file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedRun:
    """One run that a sweep would start.

    Args:
        point: its parameters.
        argv: the arguments of its process, with agent macros unexpanded; empty if there is a problem.
        problem: reason why the arguments cannot be expanded; empty if they can.
        source: origin of the point.
        repeat: index of the run among the runs of its point.
    """

    point: Point
    argv: tuple[str, ...]
    problem: str
    source: Source
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Preview of a sweep.

    Args:
        runs: its first runs, in order.
        size: number of distinct points.
        planned_runs: total number of runs; None if unbounded or unknown.
        rungs: the first iterations at which early termination may act.
        seed: seed of its points.
        broken_off: whether the search for the next point was given up, because points are too rare.
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
    steps: int = MAX_COUNT_STEPS,
    prior: Collection[Point] = (),
) -> Preview:
    """Return the preview of a sweep; without a seed, seed 0 is used.

    Args:
        spec: the sweep.
        count: maximum number of runs to show.
        interpreter: value of `${interpreter}`.
        fits: returns whether the output has room for a run; the first False ends the preview.
        patience: number of unsuccessful searches for a point before giving up.
        steps: maximum number of steps to count points exactly.
        prior: distinct points of prior runs, which most methods do not propose again.
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
        rungs=urgent_iterations(spec.early_terminate, MAX_RUNGS),
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
    """Yield the first runs of a sweep, then None if finding more takes too long.

    Args:
        spec: the sweep.
        count: maximum number of runs to yield.
        size: number of its points, as counted for its preview.
        interpreter: value of `${interpreter}`.
        patience: number of unsuccessful searches for a point before giving up.
        prior: points of prior runs, which most methods do not propose again.
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
    """Return the number of points that the method may hand out; None if infinite or not known exactly."""
    return known_size(spec, None if size.is_estimate else size.value)


def _points(
    spec: SweepSpec, size: int | None, patience: int, prior: Iterable[Point]
) -> Iterator[Proposed | None]:
    """Yield the points of a sweep in order, then None if finding more takes too long."""
    cursor, seen = Cursor(), {point_digest(point) for point in prior}
    while patience > 0:
        cursor, proposed, done = next_point(spec, cursor, seen, size)
        if done:
            return
        if proposed is None:
            patience -= 1
            continue
        seen.add(proposed.digest)
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
