"""View of points for readers: newer attempts replace points of older ones, and long series are thinned."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sweepd_metric_store.domain.batch import Kind, Spine, Stretch, Value, picked_values
from sweepd_metric_store.domain.packing import MAX_PIECE_POINTS

EVERYTHING = 2**63 - 1
NOTHING = -(2**63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Attempt with stored rows, and the step of the checkpoint from which it resumed, if any."""

    number: int
    resumed_from_step: int | None


def last_visible_steps(attempts: Iterable[Attempt]) -> Mapping[int, int]:
    """Return, by attempt number, the last step that no newer attempt has replaced.

    An attempt that resumed at step s replaces all older points beyond s; an attempt that started over
    replaces all older points. `NOTHING` is below every step, `EVERYTHING` is the largest step.
    """
    limit = EVERYTHING
    limits: dict[int, int] = {}
    for attempt in sorted(attempts, key=lambda each: each.number, reverse=True):
        limits[attempt.number] = limit
        limit = min(limit, NOTHING if attempt.resumed_from_step is None else attempt.resumed_from_step)
    return limits


def windowed(stretch: Stretch, *, first_row: int, last_row: int, last_step: int = EVERYTHING) -> Stretch:
    """Return the points of `stretch` within these rows and up to `last_step`, possibly none."""
    spine = stretch.spine
    kept = [
        at
        for at, (row, step) in enumerate(zip(spine.rows, spine.steps, strict=True))
        if first_row <= row <= last_row and step <= last_step
    ]
    return stretch if len(kept) == len(stretch) else stretch.picked(kept)


def thinned(stretches: Iterable[Stretch], *, total: int, max_points: int) -> Iterator[Stretch]:
    """Yield about `max_points` of the `total` points of a series, for plotting; by type, in row order.

    Buckets have equally many points. Each keeps its smallest and largest finite values (for texts, its first
    and last) and the first value that is not finite; both ends of the series are always kept. Points are
    held only until their bucket is full, so memory is proportional to the thinned series.

    Args:
        stretches: one series, with any mix of types, in row order.
        total: number of points of the series; a wrong number makes the buckets coarser or finer.
        max_points: 1 or more.
    """
    if total <= max_points:
        yield from stretches
        return
    # Two points per bucket, and one bucket less to make room for both ends.
    width = math.ceil(total / max(1, max_points // 2 - 1))
    thinners: dict[Kind, _Thinner] = {}
    for stretch in stretches:
        thinners.setdefault(stretch.kind, _Thinner(stretch.kind, width)).add(stretch)
    for thinner in thinners.values():
        yield from thinner.finished()


@dataclass(slots=True)
class _Points:
    """Growing list of points of one type."""

    rows: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def extend(self, stretch: Stretch) -> None:
        self.rows.extend(stretch.spine.rows)
        self.steps.extend(stretch.spine.steps)
        self.times.extend(stretch.spine.times)
        self.values.extend(stretch.values)

    def drop(self, count: int) -> None:
        for column in (self.rows, self.steps, self.times, self.values):
            del column[:count]

    def stretch(self, kind: Kind, positions: range | list[int]) -> Stretch:
        spine = Spine(rows=self.rows, steps=self.steps, times=self.times).picked(positions)
        return Stretch(kind=kind, spine=spine, values=picked_values(self.values, positions))


class _Thinner:
    """Incremental thinning of points of one type."""

    def __init__(self, kind: Kind, width: int) -> None:
        self._kind = kind
        self._width = width
        self._open = _Points()
        self._kept = _Points()

    def add(self, stretch: Stretch) -> None:
        points = self._open
        points.extend(stretch)
        # Leave one point open, since it may be the last of the series, which is always kept.
        complete = (len(points.values) - 1) // self._width * self._width
        if complete:
            self._close(complete, ends=False)

    def finished(self) -> Iterator[Stretch]:
        """Close the last bucket; yield the kept points in stretches of at most MAX_PIECE_POINTS points."""
        self._close(len(self._open.values), ends=True)
        kept = self._kept
        for start in range(0, len(kept.values), MAX_PIECE_POINTS):
            yield kept.stretch(self._kind, range(start, min(start + MAX_PIECE_POINTS, len(kept.values))))

    def _close(self, count: int, *, ends: bool) -> None:
        points = self._open
        chosen: set[int] = set()
        for start in range(0, count, self._width):
            chosen.update(_kept_positions(points.values, start, min(start + self._width, count)))
        if not self._kept.values:
            chosen.add(0)
        if ends:
            chosen.add(count - 1)
        self._kept.extend(points.stretch(self._kind, sorted(chosen)))
        points.drop(count)


def _kept_positions(values: list[Value], start: int, stop: int) -> set[int]:
    """Return the positions of the points to keep from the bucket `values[start:stop]`."""
    bucket = values[start:stop]
    numbers = [value for value in bucket if not isinstance(value, str)]
    if len(numbers) < len(bucket):
        return {start, stop - 1}
    non_finite: int | None = None
    # If any value is not finite, neither is the sum.
    if not math.isfinite(sum(numbers)):
        non_finite = next((at for at, number in enumerate(numbers) if not math.isfinite(number)), None)
    finite = numbers if non_finite is None else [number for number in numbers if math.isfinite(number)]
    chosen = {start + non_finite} if non_finite is not None else set()
    if finite:
        chosen |= {start + numbers.index(min(finite)), start + numbers.index(max(finite))}
    return chosen
