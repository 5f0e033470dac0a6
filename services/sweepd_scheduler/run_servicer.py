"""Answers the calls of `RunService`: decode, one read, encode."""

from sweepd import v1
from sweepd.spec import ObjectiveValue
from sweepd.v1 import run_service_pb2_grpc
from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler import codec, page_token
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.run import Run
from sweepd_scheduler.ports import RunPosition
from sweepd_scheduler.reading import Reading


class RunServicer(run_service_pb2_grpc.RunServiceServicer):
    """Reads see what is committed."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def GetRun(self, request: v1.GetRunRequest, context: object) -> v1.GetRunResponse:
        """Give one run."""
        name = names.run_name(request.name)
        sweep = await self._reading(self._reading.records.sweep, name.sweep)
        run = await self._reading(self._reading.records.run, name)
        if sweep is None or run is None:
            raise NotFoundError(request.name)
        return v1.GetRunResponse(run=codec.run_message(run, sweep.value_kind))

    async def ListRuns(self, request: v1.ListRunsRequest, context: object) -> v1.ListRunsResponse:
        """Give a page of the runs of a sweep."""
        sweep = await self._reading(self._reading.records.sweep, names.sweep_name(request.sweep))
        if sweep is None:
            raise NotFoundError(request.sweep)
        wanted = codec.states(codec.RUN_STATES, request.states)
        best = request.order == v1.RUN_ORDER_BEST
        after = _position(page_token.decoded(request.page_token, request))
        size = page_token.page_size(request.page_size)
        found = await self._reading(self._reading.records.runs, sweep, wanted, after, size, best=best)
        return v1.ListRunsResponse(
            runs=[codec.run_message(run, sweep.value_kind) for run in found.entries],
            next_page_token=page_token.encoded(_place(found.entries[-1], sweep.value_kind), request)
            if found.more
            else "",
        )


def _place(run: Run, kind: ObjectiveValue) -> page_token.Place:
    value = run.value(kind)
    return [run.number] if value is None else [run.number, value]


def _position(place: page_token.Place | None) -> RunPosition | None:
    match place:
        case None:
            return None
        case [int(number)]:
            return RunPosition(number=number)
        case [int(number), int(value) | float(value)]:
            return RunPosition(number=number, value=float(value))
        case _:
            raise page_token.BadTokenError
