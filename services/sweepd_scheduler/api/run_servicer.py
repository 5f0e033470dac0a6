"""Servicer of `RunService`: each method decodes a request, makes one call and encodes the response."""

from collections.abc import Sequence
from dataclasses import replace

from sweepd import v1
from sweepd.spec.sweep_spec import ObjectiveValue
from sweepd.v1 import run_service_pb2_grpc
from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.errors import InvalidFieldError, NotFoundError
from sweepd_kernel.rpc import page_token
from sweepd_scheduler.api import requester, run_codec
from sweepd_scheduler.api.requester import Requester, repeatable
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.eligibility import obstacles_of_run
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.requests import requests
from sweepd_scheduler.domain.requests.requests import Retried, Runs
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.sweep import StoredSweep, Sweep
from sweepd_scheduler.message_size import page, run_weight
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.store.ports import RunPlace, RunPosition
from sweepd_scheduler.store.records import Reading

MAX_NAMES = 10_000
MAX_EVENTS = 1_000
MAX_EVENT_BYTES = 1_000_000


class RunServicer(run_service_pb2_grpc.RunServiceServicer):
    """Servicer of runs. Changes are decided by the owner; runs are read as committed."""

    def __init__(self, owner: Owner, reading: Reading) -> None:
        self._owner = owner
        self._reading = reading
        self._requester = Requester(owner, reading)

    async def CreateRun(self, request: v1.CreateRunRequest, context: object) -> v1.CreateRunResponse:
        """Create a standalone run, or return the existing run if the agent proves ownership."""
        wanted = requester.new_run(request)

        async def prepare(stored: StoredSweep | None, attempt: int) -> requests.CreateRun:
            if attempt == 0 or wanted.id is None:
                return wanted
            name = RunName(names.standing_name(wanted.parent), 0, wanted.id)
            return replace(wanted, found=await self._reading(self._reading.records.run, name))

        return await self._requester.ask_prepared(
            prepare,
            names.standing_name(wanted.parent),
            Runs,
            lambda found: v1.CreateRunResponse(run=_messages(found)[0]),
            v1.CreateRunResponse,
            repeatable(request, request.request_id, wanted.parent),
        )

    async def GetRun(self, request: v1.GetRunRequest, context: object) -> v1.GetRunResponse:
        """Return one run, with its details."""
        sweep, run = await self._find(names.run_name(request.name))
        details = await self._reading(self._reading.records.details, run.key)
        message = run_codec.run_message(run, sweep.value_kind)
        if details is not None:
            message.details.MergeFromString(details)
        return v1.GetRunResponse(run=message)

    async def ListRuns(self, request: v1.ListRunsRequest, context: object) -> v1.ListRunsResponse:
        """Return a page of the runs of a sweep, or of a project."""
        if bool(request.sweep) == bool(request.project):
            raise InvalidFieldError("sweep", "specify either a sweep or a project")
        if request.project:
            return await self._list_project(request)
        sweep = await self._reading.sweep(names.sweep_name(request.sweep))
        wanted = run_codec.read_states(run_codec.RUN_STATES, request.states)
        best = request.order == v1.RUN_ORDER_BEST
        after = _position(page_token.decoded(request.page_token, request))
        size = page_token.page_size(request.page_size)
        found = await self._reading(self._reading.records.runs, sweep, wanted, after, size, best=best)
        last = _sort_key(found.entries[-1], sweep.value_kind) if found.more else None
        return v1.ListRunsResponse(
            runs=[run_codec.run_message(run, sweep.value_kind) for run in found.entries],
            next_page_token=page_token.encoded(last, request) if last else "",
        )

    async def EnqueueRun(self, request: v1.EnqueueRunRequest, context: object) -> v1.EnqueueRunResponse:
        """Add the runs of a point to a sweep."""
        name, point = names.sweep_name(request.sweep), requester.wanted_point(request)

        async def prepare(stored: StoredSweep | None, attempt: int) -> requests.EnqueueRun:
            return requests.EnqueueRun(sweep=name, point=point, first=request.first, stored=stored)

        return await self._requester.ask_prepared(
            prepare,
            name,
            Runs,
            lambda found: v1.EnqueueRunResponse(runs=_messages(found)),
            v1.EnqueueRunResponse,
            repeatable(request, request.request_id, name.parent),
        )

    async def StopRun(self, request: v1.StopRunRequest, context: object) -> v1.StopRunResponse:
        """Stop one run."""
        name = await self._numbered(names.run_name(request.name))

        async def prepare(stored: StoredSweep | None, attempt: int) -> requests.EndRun:
            if attempt == 0:
                return requests.EndRun(name=name)
            found = await self._reading(self._reading.records.run, name)
            return requests.EndRun(name=name, looked_up=True, found=found)

        return await self._requester.ask_prepared(
            prepare,
            name.sweep,
            Runs,
            lambda found: v1.StopRunResponse(run=_messages(found)[0]),
            v1.StopRunResponse,
            repeatable(request, request.request_id, name.sweep.parent),
        )

    async def RetryRuns(self, request: v1.RetryRunsRequest, context: object) -> v1.RetryRunsResponse:
        """Retry ended runs."""
        wanted = requester.wanted_runs(request)

        async def prepare(stored: StoredSweep | None, attempt: int) -> requests.RetryRuns:
            return await self._retry(wanted, stored)

        return await self._requester.ask_prepared(
            prepare,
            wanted.sweep,
            Retried,
            lambda found: v1.RetryRunsResponse(names=found.names[:MAX_NAMES], total=len(found.names)),
            v1.RetryRunsResponse,
            repeatable(request, request.request_id, wanted.sweep.parent),
        )

    async def ExplainRun(self, request: v1.ExplainRunRequest, context: object) -> v1.ExplainRunResponse:
        """Return the history of a run, and the obstacles to its hand-out."""
        sweep, run = await self._find(names.run_name(request.name))
        events = await self._reading(self._reading.records.events, sweep.key, run.number, MAX_EVENTS)
        state = self._owner.state
        obstacles = obstacles_of_run(state, state.sweeps.get(sweep.key, sweep), run)
        return v1.ExplainRunResponse(
            run=run_codec.run_message(run, sweep.value_kind),
            events=_newest([run_codec.event_message(line) for line in events]),
            obstacles=[run_codec.obstacle_message(each) for each in obstacles],
        )

    async def ListPriorRuns(
        self, request: v1.ListPriorRunsRequest, context: object
    ) -> v1.ListPriorRunsResponse:
        """Return a page of the prior runs of a sweep."""
        sweep = await self._reading.sweep(names.sweep_name(request.sweep))
        index = page_token.single(request.page_token, request, int) or 0
        size = page_token.page_size(request.page_size)
        found = await self._reading(self._reading.records.prior_runs, sweep.key, index, size)
        bounds = current_principal().bounds
        return v1.ListPriorRunsResponse(
            prior_runs=[run_codec.prior_run_message(each, bounds) for each in found.entries],
            next_page_token=page_token.encoded([found.entries[-1].index], request) if found.more else "",
        )

    async def _retry(self, wanted: requester.WantedRuns, stored: StoredSweep | None) -> requests.RetryRuns:
        """Return the event that retries the wanted runs; it contains the stored runs.

        Raises:
            DomainError: a run does not exist, or the sweep has ended and has to be read first.
        """
        state = self._owner.state
        if stored is None and state.names.get(wanted.sweep) in state.ended:
            raise requests.NotInMemoryError(str(wanted.sweep), whole=True)
        sweep = await self._reading.sweep(wanted.sweep)
        numbers = [name.number for name in wanted.runs]
        read = self._reading.records.chosen_runs
        runs = await self._reading(read, sweep, wanted.states, numbers)
        if len(runs) < len(numbers):
            known = {run.number for run in runs}
            raise NotFoundError(next(str(name) for name in wanted.runs if name.number not in known))
        siblings = _other_runs_of_points(sweep, runs)
        return requests.RetryRuns(
            sweep=wanted.sweep,
            runs=tuple(runs),
            siblings=tuple(await self._reading(read, sweep, (), siblings)) if siblings else (),
            named=bool(wanted.runs),
            stored=stored,
        )

    async def _list_project(self, request: v1.ListRunsRequest) -> v1.ListRunsResponse:
        if request.order == v1.RUN_ORDER_BEST:
            raise InvalidFieldError("order", "the values of runs of several sweeps cannot be compared")
        parent = names.parent(request.project, "project")
        found = await self._reading(
            self._reading.records.runs_of_project,
            parent,
            run_codec.read_states(run_codec.RUN_STATES, request.states),
            _project_position(page_token.decoded(request.page_token, request)),
            page_token.page_size(request.page_size),
            standalone=request.standalone,
        )
        kinds = await self._value_kinds(found.entries)
        last = found.entries[-1] if found.more else None
        return v1.ListRunsResponse(
            runs=[run_codec.run_message(run, kinds[run.sweep]) for run in found.entries],
            next_page_token=page_token.encoded([last.create_time, *last.key], request) if last else "",
        )

    async def _value_kinds(self, runs: Sequence[Run]) -> dict[int, ObjectiveValue]:
        """Return the kind of objective value that each sweep of the runs uses, by sweep key."""
        kinds: dict[int, ObjectiveValue] = {}
        for run in runs:
            if run.sweep not in kinds:
                sweep = await self._reading(self._reading.records.sweep, _sweep_of(run))
                kinds[run.sweep] = sweep.value_kind if sweep else ObjectiveValue.BEST
        return kinds

    async def _numbered(self, name: RunName) -> RunName:
        """Return the name of a run; add its number if it is a standalone run."""
        if name.sweep in self._owner.state.names and not name.sweep.is_standing:
            return name
        run = await self._reading(self._reading.records.run, name)
        if run is None:
            raise NotFoundError(str(name))
        return replace(name.as_standalone(), number=run.number)

    async def _find(self, name: RunName) -> tuple[Sweep, Run]:
        run = await self._reading(self._reading.records.run, name)
        if run is None:
            raise NotFoundError(str(name))
        return await self._reading.sweep(_sweep_of(run)), run


def _newest(events: list[v1.RunEvent]) -> list[v1.RunEvent]:
    """Return the newest entries of the history that fit into a response together with the run."""
    return list(reversed(page(reversed(events), len(events), v1.RunEvent.ByteSize, MAX_EVENT_BYTES).entries))


def _messages(found: Runs) -> list[v1.Run]:
    """Return the messages of as many runs as fit into one response; a point may have a thousand runs."""
    fitting = page(found.runs, len(found.runs), run_weight).entries
    return [run_codec.run_message(run, found.kind) for run in fitting]


def _sweep_of(run: Run) -> SweepName:
    """Return the name of the sweep that a run is stored under."""
    if run.is_standalone:
        return names.standing_name(names.parent(run.name.rpartition("/")[0]))
    return names.sweep_name(run.name.rpartition("-")[0])


def _project_position(place: page_token.SortKey | None) -> RunPlace | None:
    match place:
        case None:
            return None
        case [int(time), int(sweep), int(number)]:
            return (time, sweep, number)
        case _:
            raise page_token.BadPageTokenError


def _other_runs_of_points(sweep: Sweep, runs: Sequence[Run]) -> list[int]:
    """Return the numbers of the other runs with the same points; none if the sweep has no repeats."""
    repeats = sweep.spec.repeats
    if repeats == 1:
        return []
    of_blocks = {number for run in runs for number in range(run.block, run.block + repeats)}
    return sorted(of_blocks - {run.number for run in runs})


def _sort_key(run: Run, kind: ObjectiveValue) -> page_token.SortKey:
    value = run.value(kind)
    return [run.number] if value is None else [run.number, value]


def _position(place: page_token.SortKey | None) -> RunPosition | None:
    match place:
        case None:
            return None
        case [int(number)]:
            return RunPosition(number=number)
        case [int(number), int(value) | float(value)]:
            return RunPosition(number=number, value=float(value))
        case _:
            raise page_token.BadPageTokenError
