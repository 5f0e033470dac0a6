"""Answers the calls of `RunService`: decode, one call, encode."""

from collections.abc import Sequence

from sweepd import v1
from sweepd.spec import ObjectiveValue
from sweepd.v1 import run_service_pb2_grpc
from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler import codec, page_token, request_codec
from sweepd_scheduler.asking import Asking, repeatable
from sweepd_scheduler.domain import names, requests
from sweepd_scheduler.domain.answers import Retried, Runs
from sweepd_scheduler.domain.explain import obstacles_of_run
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.run import Run
from sweepd_scheduler.domain.stored import Stored
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.explanation_codec import event_message, obstacle_message
from sweepd_scheduler.owner import Owner
from sweepd_scheduler.ports import RunPosition
from sweepd_scheduler.reading import Reading

MAX_NAMES = 10_000
MAX_EVENTS = 1_000


class RunServicer(run_service_pb2_grpc.RunServiceServicer):
    """Changes go through the owner; reads see what is committed."""

    def __init__(self, owner: Owner, reading: Reading) -> None:
        self._owner = owner
        self._reading = reading
        self._asking = Asking(owner, reading)

    async def GetRun(self, request: v1.GetRunRequest, context: object) -> v1.GetRunResponse:
        """Give one run."""
        sweep, run = await self._find(names.run_name(request.name))
        told = await self._reading(self._reading.records.details, run.key)
        message = codec.run_message(run, sweep.value_kind)
        if told is not None:
            message.details.MergeFromString(told)
        return v1.GetRunResponse(run=message)

    async def ListRuns(self, request: v1.ListRunsRequest, context: object) -> v1.ListRunsResponse:
        """Give a page of the runs of a sweep."""
        sweep = await self._find_sweep(names.sweep_name(request.sweep))
        wanted = codec.states(codec.RUN_STATES, request.states)
        best = request.order == v1.RUN_ORDER_BEST
        after = _position(page_token.decoded(request.page_token, request))
        size = page_token.page_size(request.page_size)
        found = await self._reading(self._reading.records.runs, sweep, wanted, after, size, best=best)
        last = _place(found.entries[-1], sweep.value_kind) if found.more else None
        return v1.ListRunsResponse(
            runs=[codec.run_message(run, sweep.value_kind) for run in found.entries],
            next_page_token=page_token.encoded(last, request) if last else "",
        )

    async def EnqueueRun(self, request: v1.EnqueueRunRequest, context: object) -> v1.EnqueueRunResponse:
        """Add the runs of a point."""
        name, point = names.sweep_name(request.sweep), request_codec.wanted_point(request)

        async def prepare(stored: Stored | None, attempt: int) -> requests.EnqueueRun:
            return requests.EnqueueRun(sweep=name, point=point, first=request.first, stored=stored)

        return await self._asking.ask_prepared(
            prepare,
            name,
            Runs,
            lambda found: v1.EnqueueRunResponse(runs=_messages(found)),
            v1.EnqueueRunResponse,
            repeatable(request, request.request_id),
        )

    async def StopRun(self, request: v1.StopRunRequest, context: object) -> v1.StopRunResponse:
        """End one run."""
        name = names.run_name(request.name)

        async def prepare(stored: Stored | None, attempt: int) -> requests.EndRun:
            if attempt == 0:
                return requests.EndRun(name=name)
            found = await self._reading(self._reading.records.run, name)
            return requests.EndRun(name=name, looked_up=True, found=found)

        return await self._asking.ask_prepared(
            prepare,
            name.sweep,
            Runs,
            lambda found: v1.StopRunResponse(run=_messages(found)[0]),
            v1.StopRunResponse,
            repeatable(request, request.request_id),
        )

    async def RetryRuns(self, request: v1.RetryRunsRequest, context: object) -> v1.RetryRunsResponse:
        """Hand ended runs out again."""
        wanted = request_codec.wanted_runs(request)

        async def prepare(stored: Stored | None, attempt: int) -> requests.RetryRuns:
            return await self._retry(wanted, stored)

        return await self._asking.ask_prepared(
            prepare,
            wanted.sweep,
            Retried,
            lambda found: v1.RetryRunsResponse(names=found.names[:MAX_NAMES], total=len(found.names)),
            v1.RetryRunsResponse,
            repeatable(request, request.request_id),
        )

    async def ExplainRun(self, request: v1.ExplainRunRequest, context: object) -> v1.ExplainRunResponse:
        """Tell the story of a run."""
        sweep, run = await self._find(names.run_name(request.name))
        events = await self._reading(self._reading.records.events, sweep.key, run.number, MAX_EVENTS)
        state = self._owner.state
        obstacles = obstacles_of_run(state, state.sweeps.get(sweep.key, sweep), run)
        return v1.ExplainRunResponse(
            run=codec.run_message(run, sweep.value_kind),
            events=[event_message(line) for line in events],
            obstacles=[obstacle_message(each) for each in obstacles],
        )

    async def _retry(self, wanted: request_codec.Wanted, stored: Stored | None) -> requests.RetryRuns:
        """Read the runs that are meant, and with repeats the others of their points.

        Raises:
            DomainError: one is missing, or the sweep is over and has to be read before its runs are.
        """
        state = self._owner.state
        if stored is None and state.names.get(wanted.sweep) in state.ended:
            raise requests.NotInMemoryError(str(wanted.sweep), whole=True)
        sweep = await self._find_sweep(wanted.sweep)
        numbers = [name.number for name in wanted.runs]
        read = self._reading.records.chosen_runs
        runs = await self._reading(read, sweep, wanted.states, numbers)
        if len(runs) < len(numbers):
            known = {run.number for run in runs}
            raise NotFoundError(next(str(name) for name in wanted.runs if name.number not in known))
        siblings = _siblings(sweep, runs)
        return requests.RetryRuns(
            sweep=wanted.sweep,
            runs=tuple(runs),
            siblings=tuple(await self._reading(read, sweep, (), siblings)) if siblings else (),
            named=bool(wanted.runs),
            stored=stored,
        )

    async def _find(self, name: RunName) -> tuple[Sweep, Run]:
        sweep = await self._reading(self._reading.records.sweep, name.sweep)
        run = await self._reading(self._reading.records.run, name)
        if sweep is None or run is None:
            raise NotFoundError(str(name))
        return sweep, run

    async def _find_sweep(self, name: SweepName) -> Sweep:
        sweep = await self._reading(self._reading.records.sweep, name)
        if sweep is None:
            raise NotFoundError(str(name))
        return sweep


def _messages(found: Runs) -> list[v1.Run]:
    return [codec.run_message(run, found.kind) for run in found.runs]


def _siblings(sweep: Sweep, runs: Sequence[Run]) -> list[int]:
    """Return the numbers of the other runs of the points of some runs."""
    repeats = sweep.spec.repeats
    if repeats == 1:
        return []
    of_blocks = {number for run in runs for number in range(run.block, run.block + repeats)}
    return sorted(of_blocks - {run.number for run in runs})


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
