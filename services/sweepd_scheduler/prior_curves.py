"""Reads the curves of runs from the metric store, page by page: no history is held longer than it takes."""

from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import isfinite

import grpc.aio

from sweepd import v1
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.errors import DomainError, Status
from sweepd_scheduler.reading import Reading

RUNS_A_CALL = 100
"""Their curves are in memory together."""

DEADLINE = 30.0
_EXTREMES = {"min": min, "max": max}


class CurvesAwayError(DomainError):
    """The metric store cannot be asked."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the curves of prior runs cannot be read: {why}", status=Status.UNAVAILABLE, retry_after=1.0
        )


@dataclass(slots=True)
class _Stretch:
    """Numbers of one type in the order of their rows."""

    attempt: int
    rows: "array[int]"
    numbers: "array[float]"

    @property
    def start(self) -> tuple[int, int]:
        return self.attempt, self.rows[0]

    @property
    def end(self) -> tuple[int, int]:
        return self.attempt, self.rows[-1]


@dataclass(slots=True)
class Curve:
    """The numbers that one run has logged of one key."""

    stretches: list[_Stretch] = field(default_factory=list)

    def add(self, series: v1.Series) -> None:
        """Take in a series, or a part of one; texts and booleans are no numbers."""
        # Slices of messages are copied several times as fast as their values one by one.
        for chunk in series.chunks:
            match chunk.WhichOneof("values"):
                case "doubles":
                    numbers = array("d", chunk.doubles.values[:])
                case "ints":
                    numbers = array("d", chunk.ints.values[:])
                case _:
                    continue
            if numbers and len(numbers) == len(chunk.rows):
                self.stretches.append(_Stretch(series.attempt, array("Q", chunk.rows[:]), numbers))

    def finite(self) -> list[float]:
        """Return the finite ones by attempt and row."""
        ordered = sorted(self.stretches, key=lambda each: each.start)
        if all(before.end < after.start for before, after in pairwise(ordered)):
            return [value for each in ordered for value in each.numbers if isfinite(value)]
        # Whole and broken numbers take turns from row to row.
        rows = (
            (each.attempt, row, value)
            for each in ordered
            for row, value in zip(each.rows, each.numbers, strict=True)
        )
        return [value for _, _, value in sorted(rows) if isfinite(value)]


class Curves:
    """The metric store, as far as prior runs need it."""

    def __init__(self, channel: grpc.aio.Channel, reading: Reading) -> None:
        self._stub = MetricServiceStub(channel)
        self._reading = reading

    async def of(self, runs: Sequence[str], key: str) -> AsyncIterator[tuple[int, list[float]]]:
        """Yield the place of each run among `runs` with the finite values that it has logged of a key.

        Where it has logged no such key, `loss.min` is the smallest `loss` so far, as agents have it.

        Raises:
            CurvesAwayError: the metric store does not answer.
        """
        base, dot, word = key.rpartition(".")
        made = base if dot and base and word in _EXTREMES else None
        keys = [key] if made is None else [key, made]
        for start in range(0, len(runs), RUNS_A_CALL):
            names = runs[start : start + RUNS_A_CALL]
            found: dict[tuple[str, str], Curve] = {}
            async for page in self._pages(names, keys):
                await self._reading.work(_take, found, page)
            for place, curve in await self._reading.work(_curves, found, names, key, made, word):
                yield start + place, curve

    async def _pages(self, runs: Sequence[str], keys: Sequence[str]) -> AsyncIterator[v1.GetHistoryResponse]:
        request = v1.GetHistoryRequest(runs=runs, keys=keys)
        while True:
            try:
                page = await self._stub.GetHistory(request, timeout=DEADLINE)
            except grpc.aio.AioRpcError as error:
                raise CurvesAwayError(error.details() or error.code().name) from error
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def _take(found: dict[tuple[str, str], Curve], page: v1.GetHistoryResponse) -> None:
    for series in page.series:
        found.setdefault((series.run, series.key), Curve()).add(series)


def _curves(
    found: dict[tuple[str, str], Curve], runs: Sequence[str], key: str, made: str | None, word: str
) -> list[tuple[int, list[float]]]:
    return list(enumerate(_curve(found, run, key, made, word) for run in runs))


def _curve(
    found: dict[tuple[str, str], Curve], run: str, key: str, made: str | None, word: str
) -> list[float]:
    own = found.get((run, key))
    if own is not None or made is None:
        return own.finite() if own else []
    other = found.get((run, made))
    return list(accumulate(other.finite(), _EXTREMES[word])) if other else []
