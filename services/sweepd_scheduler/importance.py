"""What the importance of parameters is worked out from: points of the runs of a sweep, and their values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

import grpc.aio

from sweepd import v1
from sweepd.codec import point_message, spec_message
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceStub
from sweepd_kernel.errors import DomainError, InvalidFieldError, Status, UnavailableError
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.runs.run import RunState
from sweepd_scheduler.domain.share import Share
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.ports import TriedPoint
from sweepd_scheduler.reading import Reading

MOST_RUNS = 2_000
MOST_VALUES = 200_000
"""Runs times parameters, at most: an answer takes a worker about a second for so many."""

RUNS_A_CALL = 1_000
DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Backend:
    """Another service, and where it is."""

    channel: grpc.aio.Channel
    address: str


class Importances:
    """Gathers what runs show, and has the suggestion service work out what it says."""

    def __init__(self, suggestion: Backend, metrics: Backend, reading: Reading) -> None:
        self._suggestion = SuggestionServiceStub(suggestion.channel)
        self._metrics = MetricServiceStub(metrics.channel)
        self._suggestion_address = suggestion.address
        self._metrics_address = metrics.address
        self._reading = reading

    async def of(self, sweep: Sweep, key: str) -> v1.Importance:
        """Return how much the parameters of a sweep matter for a key; empty: for its objective.

        Raises:
            InvalidFieldError: there is no objective.
            DomainError: a service is away, or has too much to do.
        """
        if not key and sweep.spec.metric is None:
            raise InvalidFieldError("key", f"needed: {sweep.name} has no metric to look at")
        most = min(MOST_RUNS, MOST_VALUES // max(1, len(sweep.spec.search_space.dimensions)))
        share = Share.of(most, _tried(sweep) + (0 if key else sweep.prior_runs))
        records = self._reading.records
        page = await self._reading(records.tried_points, sweep, share, most, valued=not key)
        tried = list(await self._with_last_values(sweep, page.entries, key) if key else page.entries)
        request = await self._reading.work(_request, sweep, tried)
        try:
            answer = await self._suggestion.GetImportance(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise DomainError(
                    "too many questions wait already", status=Status.RESOURCE_EXHAUSTED, retry_after=5.0
                ) from error
            raise UnavailableError("suggestion", self._suggestion_address, _why(error)) from error
        return answer.importance

    async def _with_last_values(
        self, sweep: Sweep, tried: Sequence[TriedPoint], key: str
    ) -> Iterable[TriedPoint]:
        """Return runs with the last value of a key, in place of that of the objective."""
        names = {str(RunName(sweep.name, one.run)): one for one in tried}
        values: dict[str, float] = {}
        for start in range(0, len(names), RUNS_A_CALL):
            request = v1.ListSummariesRequest(
                runs=list(names)[start : start + RUNS_A_CALL], keys=[key], page_size=RUNS_A_CALL
            )
            try:
                answer = await self._metrics.ListSummaries(request, timeout=DEADLINE)
            except grpc.aio.AioRpcError as error:
                raise UnavailableError("metric-store", self._metrics_address, _why(error)) from error
            values |= dict(_last_numbers(answer))
        return [TriedPoint(one.run, one.point, values.get(name)) for name, one in names.items()]


def _tried(sweep: Sweep) -> int:
    return sweep.counts.of(RunState.FINISHED) + sweep.counts.of(RunState.STOPPED)


def _request(sweep: Sweep, tried: Sequence[TriedPoint]) -> v1.GetImportanceRequest:
    return v1.GetImportanceRequest(
        sweep=str(sweep.name),
        spec=spec_message(sweep.spec),
        points=[
            v1.ValuedPoint(point=point_message(one.point), value=one.value)
            for one in tried
            if one.value is not None and isfinite(one.value)
        ],
    )


def _last_numbers(answer: v1.ListSummariesResponse) -> Iterator[tuple[str, float]]:
    for summary in answer.summaries:
        kind = summary.last.WhichOneof("kind")
        if kind in ("double_value", "int_value"):
            yield summary.run, float(getattr(summary.last, kind))


def _why(error: grpc.aio.AioRpcError) -> str:
    return error.details() or error.code().name
