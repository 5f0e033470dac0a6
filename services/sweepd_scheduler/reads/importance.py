"""Importance of parameters, computed by the suggestion service from points and values of runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

import grpc.aio

from sweepd import v1
from sweepd.codec.spec import spec_message
from sweepd.codec.values import point_message
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceStub
from sweepd_kernel.errors import DomainError, InvalidFieldError, Status, UnavailableError
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.runs.results import RunSample, evenly_ordered
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import RunState
from sweepd_scheduler.reads.prior_curves import lasting_error
from sweepd_scheduler.store.ports import Records, TriedPoint
from sweepd_scheduler.store.records import Reading

MAX_RUNS = 2_000
MAX_VALUES = 200_000
"""Maximum number of runs times the number of parameters; a worker needs about a second for that."""

RUNS_A_CALL = 1_000
DEADLINE = 60.0

MAX_BYTES = 4_000_000
"""Maximum size of a request in bytes; its points get the space that its specification leaves."""

_FRAME_BYTES = 8


@dataclass(frozen=True, slots=True)
class Backend:
    """Channel to another service, and the address of that service."""

    channel: grpc.aio.Channel
    address: str


class Importances:
    """Client of the suggestion service for the importance of parameters."""

    def __init__(self, suggestion: Backend, metrics: Backend, reading: Reading) -> None:
        self._suggestion = SuggestionServiceStub(suggestion.channel)
        self._metrics = MetricServiceStub(metrics.channel)
        self._suggestion_address = suggestion.address
        self._metrics_address = metrics.address
        self._reading = reading

    async def importance(self, sweep: Sweep, key: str) -> v1.Importance:
        """Return the importance of a sweep's parameters for a metric; an empty `key` means the objective.

        Raises:
            InvalidFieldError: the sweep has no objective, and no key is given.
            DomainError: a service is unavailable, overloaded or faulty, or the records cannot be read.
        """
        if not key and sweep.spec.metric is None:
            raise InvalidFieldError("key", f"a key is required, as {sweep.name} has no metric")
        most = min(MAX_RUNS, MAX_VALUES // max(1, len(sweep.spec.search_space.dimensions)))
        tried = await self._reading(evenly_chosen, self._reading.records, sweep, most, valued=not key)
        if key:
            tried = await self._with_last_values(sweep, tried, key)
        request = await self._reading.work(importance_request, sweep, tried)
        try:
            answer = await self._suggestion.GetImportance(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise DomainError(_why(error), status=Status.RESOURCE_EXHAUSTED, retry_after=5.0) from error
            if error.code() is grpc.StatusCode.INTERNAL:  # a retry would fail again
                raise DomainError(_why(error), status=Status.INTERNAL) from error
            raise UnavailableError("suggestion", self._suggestion_address, _why(error)) from error
        return answer.importance

    async def _with_last_values(
        self, sweep: Sweep, tried: Sequence[TriedPoint], key: str
    ) -> Sequence[TriedPoint]:
        """Return the points with the last value of a key in place of the value of the objective."""
        names = {str(RunName(sweep.name, one.run)): one for one in tried}
        values: dict[str, float] = {}
        for start in range(0, len(names), RUNS_A_CALL):
            request = v1.ListSummariesRequest(
                runs=list(names)[start : start + RUNS_A_CALL], keys=[key], page_size=RUNS_A_CALL
            )
            more = True
            while more:
                answer = await self._summaries(request)
                values |= dict(_last_numbers(answer))
                request.page_token = answer.next_page_token
                more = bool(answer.next_page_token)
        return [TriedPoint(one.run, one.point, values.get(name)) for name, one in names.items()]

    async def _summaries(self, request: v1.ListSummariesRequest) -> v1.ListSummariesResponse:
        try:
            return await self._metrics.ListSummaries(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise lasting_error(error) or UnavailableError(
                "metric-store", self._metrics_address, _why(error)
            ) from error


def evenly_chosen(records: Records, sweep: Sweep, most: int, *, valued: bool) -> Sequence[TriedPoint]:
    """Return the points of up to `most` runs, evenly spread over the sweep; fewer if points are large.

    Args:
        records: the records of the scheduler.
        sweep: the sweep.
        most: maximum number of runs.
        valued: return only runs with a value, prior runs included.

    Raises:
        DomainError: the records cannot be read.
    """
    total = sweep.counts.of(RunState.FINISHED) + sweep.counts.of(RunState.STOPPED)
    total += sweep.prior_runs if valued else 0
    page = records.tried_points(sweep, RunSample.of(most, total), most, valued=valued)
    if page.more and len(page.entries) < most:  # the first runs alone are not spread evenly over the sweep
        share = RunSample.of(len(page.entries), total)
        page = records.tried_points(sweep, share, most, valued=valued)
    return page.entries


def importance_request(sweep: Sweep, tried: Sequence[TriedPoint]) -> v1.GetImportanceRequest:
    """Return the request to the suggestion service, with as many evenly chosen points as fit."""
    spec = spec_message(sweep.spec)
    points = [
        v1.ValuedPoint(point=point_message(one.point), value=one.value)
        for one in tried
        if one.value is not None and isfinite(one.value)
    ]
    room, kept = MAX_BYTES - spec.ByteSize(), list[int]()
    for place in evenly_ordered(len(points)):
        room -= points[place].ByteSize() + _FRAME_BYTES
        if room < 0:
            break
        kept.append(place)
    return v1.GetImportanceRequest(spec=spec, points=[points[place] for place in sorted(kept)])


def _last_numbers(answer: v1.ListSummariesResponse) -> Iterator[tuple[str, float]]:
    for summary in answer.summaries:
        kind = summary.last.WhichOneof("kind")
        if kind in ("double_value", "int_value"):
            yield summary.run, float(getattr(summary.last, kind))


def _why(error: grpc.aio.AioRpcError) -> str:
    return error.details() or error.code().name
