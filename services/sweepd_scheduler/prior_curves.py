"""Reads the curves of runs from the metric store, page by page: no history is held longer than it takes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import isfinite

import grpc.aio

from sweepd import v1
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.errors import DomainError, Status
from sweepd_scheduler.reading import Reading

RUNS_A_CALL = 250
DEADLINE = 30.0
_EXTREMES = {"min": min, "max": max}


class CurvesAwayError(DomainError):
    """The metric store cannot be asked."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the curves of prior runs cannot be read: {why}", status=Status.UNAVAILABLE, retry_after=1.0
        )


@dataclass(slots=True)
class Curve:
    """The numbers that one run has logged of one key, by attempt and row."""

    values: dict[tuple[int, int], float] = field(default_factory=dict)

    def add(self, series: v1.Series) -> None:
        """Take in a series, or a part of one; texts and booleans are no numbers."""
        for chunk in series.chunks:
            numbers: Sequence[float]
            match chunk.WhichOneof("values"):
                case "doubles":
                    numbers = chunk.doubles.values
                case "ints":
                    numbers = chunk.ints.values
                case _:
                    continue
            attempts = [series.attempt] * len(numbers)
            self.values.update(zip(zip(attempts, chunk.rows, strict=False), numbers, strict=False))

    def finite(self) -> list[float]:
        """Return the finite ones in their order."""
        return [float(value) for _, value in sorted(self.values.items()) if isfinite(value)]


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
