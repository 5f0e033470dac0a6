"""Curves of runs from the metric store, read page by page, with the curves of one run in memory at a time."""

from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import isfinite
from typing import Generic, TypeVar

import grpc
import grpc.aio

from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.store.records import Reading

_LASTING = {grpc.StatusCode.DATA_LOSS, grpc.StatusCode.FAILED_PRECONDITION}


def lasting_error(error: grpc.aio.AioRpcError) -> DomainError | None:
    """Return a permanent error of the metric store as a DomainError; None if a retry may succeed."""
    if error.code() not in _LASTING:
        return None
    failure = Failure.of(error)
    reasons = {each.value.lower().replace("_", "-"): each for each in Reason}
    return DomainError(
        failure.message,
        status=Status(failure.code),
        reason=reasons.get(failure.reason or ""),
        metadata=failure.metadata,
    )


T = TypeVar("T")

RUNS_A_CALL = 100
DEADLINE = 30.0
_EXTREMES = {"min": min, "max": max}


class CurvesUnavailableError(DomainError, status=Status.UNAVAILABLE, retry_after=1.0):
    """The metric store cannot be read for now."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the curves of prior runs cannot be read: {why}")


@dataclass(slots=True)
class _Stretch:
    """Numbers of one type that an attempt has logged, in row order."""

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
    """Numbers that one run has logged under one key."""

    stretches: list[_Stretch] = field(default_factory=list)

    def add(self, series: v1.Series) -> None:
        """Add a series, or a part of a series; texts and booleans are ignored."""
        # Copying a slice is several times as fast as copying value by value.
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

    def finite(self) -> "array[float]":
        """Return the finite numbers, ordered by attempt and row."""
        ordered = sorted(self.stretches, key=lambda each: each.start)
        if all(before.end < after.start for before, after in pairwise(ordered)):
            return array("d", (value for each in ordered for value in each.numbers if isfinite(value)))
        # The stretches overlap, as some rows have integers and others floats.
        rows = (
            (each.attempt, row, value)
            for each in ordered
            for row, value in zip(each.rows, each.numbers, strict=True)
        )
        return array("d", (value for _, _, value in sorted(rows) if isfinite(value)))


@dataclass(frozen=True, slots=True)
class WantedKey:
    """Requested key. An unlogged key `loss.min` means the running minimum of `loss`; `.max` likewise."""

    key: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys to read: the requested key, and the key from which it may be derived, if any."""
        base, dot, word = self.key.rpartition(".")
        return (self.key, base) if dot and base and word in _EXTREMES else (self.key,)

    def curve(self, found: Mapping[str, Curve]) -> "array[float]":
        """Return the finite values of the requested key; `found`: the curves of one run by key."""
        if self.key in found:
            return found[self.key].finite()
        base = self.keys[-1]
        if base not in found:
            return array("d")
        return array("d", accumulate(found[base].finite(), _EXTREMES[self.key.rpartition(".")[2]]))


class Histories(Generic[T]):
    """Histories of some runs, each converted to a result once it is complete.

    Args:
        places: place of each run in the order of results, by full name.
        wanted: the requested key.
        make: converts the place of a run and its finite values to the result.
    """

    def __init__(
        self, places: Mapping[str, int], wanted: WantedKey, make: Callable[[int, "array[float]"], T]
    ) -> None:
        self._places = places
        self._wanted = wanted
        self._make = make
        self._made: dict[int, T] = {}
        self._run = ""
        self._found: dict[str, Curve] = {}

    def take(self, page: v1.GetHistoryResponse) -> None:
        """Add a page of the response, in which the series of each run are consecutive."""
        for series in page.series:
            if series.run != self._run:
                self._finish_run()
                self._run = series.run
            self._found.setdefault(series.key, Curve()).add(series)

    def finish(self) -> list[T]:
        """Return the result of each run, in the order of places; a run without a history has no values."""
        self._finish_run()
        places = self._places.values()
        return [
            self._made[place] if place in self._made else self._make(place, array("d")) for place in places
        ]

    def _finish_run(self) -> None:
        place = self._places.get(self._run)
        if place is not None:
            self._made[place] = self._make(place, self._wanted.curve(self._found))
        self._found = {}


class Curves:
    """Reader of prior runs' curves from the metric store."""

    def __init__(self, channel: grpc.aio.Channel, reading: Reading) -> None:
        self._stub = MetricServiceStub(channel)
        self._reading = reading

    async def of(
        self, runs: Sequence[str], key: str, make: Callable[[int, "array[float]"], T]
    ) -> AsyncIterator[list[T]]:
        """Yield the result of `make` for each run, in order, in batches.

        Args:
            runs: full names, without duplicates.
            key: key of the metric. If a run has not logged `loss.min`, the running minimum of `loss` is
                used, as in agents.
            make: called in a thread with the index of a run in `runs` and its finite values.

        Raises:
            CurvesUnavailableError: the metric store cannot be read for now.
            DomainError: the data of the metric store is damaged, or belongs to another scheduler.
        """
        wanted = WantedKey(key)
        for start in range(0, len(runs), RUNS_A_CALL):
            places = {run: place for place, run in enumerate(runs[start : start + RUNS_A_CALL], start)}
            histories = Histories(places, wanted, make)
            async for page in self._pages(list(places), wanted.keys):
                await self._reading.work(histories.take, page)
            yield await self._reading.work(histories.finish)

    async def _pages(self, runs: Sequence[str], keys: Sequence[str]) -> AsyncIterator[v1.GetHistoryResponse]:
        request = v1.GetHistoryRequest(runs=runs, keys=keys)
        while True:
            try:
                page = await self._stub.GetHistory(request, timeout=DEADLINE)
            except grpc.aio.AioRpcError as error:
                raise lasting_error(error) or CurvesUnavailableError(
                    error.details() or error.code().name
                ) from error
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
