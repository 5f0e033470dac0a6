"""Servicer of `SweepService`: each method decodes a request, makes one call and encodes the response."""

import secrets
from dataclasses import replace
from typing import TypeAlias

import grpc.aio

from sweepd import v1
from sweepd.spec.methods.sequence import counted_points
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.v1 import sweep_service_pb2_grpc
from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import Violation
from sweepd_kernel.rpc import page_token
from sweepd_kernel.rpc.slow_readers import send
from sweepd_scheduler.api import requester, run_codec, sweep_codec
from sweepd_scheduler.api.requester import Requester, drawn_ids, repeatable
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.eligibility import obstacles_of_sweep
from sweepd_scheduler.domain.requests import requests
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.search.study import SearchEngine
from sweepd_scheduler.domain.sweep import StoredSweep, Sweep
from sweepd_scheduler.message_size import page
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.reads.importance import Importances
from sweepd_scheduler.reads.prior_found import Gathered
from sweepd_scheduler.reads.prior_runs import PriorRuns
from sweepd_scheduler.reads.sweep_file_workers import SweepFileWorkers
from sweepd_scheduler.reads.watch import TOO_SLOW, Watchers, follow, wait_for_kills
from sweepd_scheduler.store.records import Reading

SEED_BITS = 31
MAX_NAMES = 10_000
ProgressContext: TypeAlias = (
    "grpc.aio.ServicerContext[v1.ReadSweepProgressRequest, v1.ReadSweepProgressResponse]"
)
StateChange: TypeAlias = type[
    requests.PauseSweep | requests.ResumeSweep | requests.StopSweep | requests.CancelSweep
]
StateRequest: TypeAlias = (
    v1.PauseSweepRequest | v1.ResumeSweepRequest | v1.StopSweepRequest | v1.CancelSweepRequest
)
WatchContext: TypeAlias = "grpc.aio.ServicerContext[v1.WatchSweepRequest, v1.WatchSweepResponse]"


class SweepServicer(sweep_service_pb2_grpc.SweepServiceServicer):
    """Servicer of sweeps. Changes are decided by the owner; sweeps and runs are read as committed."""

    def __init__(
        self,
        owner: Owner,
        reading: Reading,
        engine: SearchEngine,
        watchers: Watchers,
        clock: Clock,
        prior_runs: PriorRuns,
        importances: Importances,
        file_workers: SweepFileWorkers,
    ) -> None:
        self._owner = owner
        self._requester = Requester(owner, reading)
        self._reading = reading
        self._engine = engine
        self._watchers = watchers
        self._clock = clock
        self._prior_runs = prior_runs
        self._importances = importances
        self._file_workers = file_workers

    async def ValidateSweep(
        self, request: v1.ValidateSweepRequest, context: object
    ) -> v1.ValidateSweepResponse:
        """Return all findings about a sweep file."""
        parsed = await self._file_workers(sweep_codec.read_file, request.file)
        return sweep_codec.validation(parsed)

    async def PreviewSweep(self, request: v1.PreviewSweepRequest, context: object) -> v1.PreviewSweepResponse:
        """Return the first runs that the sweep of a file would start."""
        count = sweep_codec.runs_wanted(request)
        parsed = await self._file_workers(sweep_codec.read_placed_file, request.file)
        seed = secrets.randbits(SEED_BITS)
        prior = await self._gather_prior_runs(request, parsed.spec) if parsed.spec else None
        return await self._file_workers(sweep_codec.previewed, parsed, count, seed, self._clock, prior)

    async def CreateSweep(self, request: v1.CreateSweepRequest, context: object) -> v1.CreateSweepResponse:
        """Create a sweep, with a random seed and id unless they are given."""
        parent = names.parent(request.parent)
        again = repeatable(request, request.request_id, parent)
        first = await self._requester.first_answer(v1.CreateSweepResponse, again)
        if first is not None:  # checked first, as the prior runs may be unreadable by now
            return first
        wanted = names.new_id(request.sweep_id, "sweep_id") if request.sweep_id else None
        spec, file = await self._file_workers(sweep_codec.new_sweep, request)
        if spec.seed is None:
            spec = replace(spec, seed=secrets.randbits(SEED_BITS))
        await self._check_searchable(spec)
        counted = await self._file_workers(counted_points, spec)
        prior = await self._gather_prior_runs(request, spec)
        report = run_codec.report_message(prior) if prior else None
        event = requests.CreateSweep(
            parent=parent,
            id=wanted,
            drawn_ids=drawn_ids(),
            spec=spec,
            file=file,
            counted=counted,
            prior_runs=prior.taken if prior else (),
            prior_points=prior.points if prior else 0,
        )
        return await self._requester.ask(
            event,
            Sweep,
            lambda sweep: v1.CreateSweepResponse(sweep=self._message(sweep), prior_runs=report),
            v1.CreateSweepResponse,
            again,
        )

    async def GetSweep(self, request: v1.GetSweepRequest, context: object) -> v1.GetSweepResponse:
        """Return one sweep."""
        sweep = await self._reading.sweep(names.sweep_name(request.name))
        return v1.GetSweepResponse(sweep=self._message(sweep))

    async def ListSweeps(self, request: v1.ListSweepsRequest, context: object) -> v1.ListSweepsResponse:
        """Return a page of sweeps, newest first."""
        entity, _, project = request.parent.partition("/")
        wanted = run_codec.read_states(sweep_codec.SWEEP_STATES, request.states)
        before = page_token.single(request.page_token, request, int)
        size = page_token.page_size(request.page_size)
        bounds = current_principal().bounds
        found = await self._reading(
            self._reading.records.sweeps, entity, project, wanted, before, size, bounds
        )
        fitting = page([self._message(sweep) for sweep in found.entries], size, v1.Sweep.ByteSize)
        last = found.entries[len(fitting.entries) - 1] if found.more or fitting.more else None
        return v1.ListSweepsResponse(
            sweeps=fitting.entries, next_page_token=page_token.encoded([last.key], request) if last else ""
        )

    async def PauseSweep(self, request: v1.PauseSweepRequest, context: object) -> v1.PauseSweepResponse:
        """Pause a sweep."""
        return v1.PauseSweepResponse(sweep=await self._change(requests.PauseSweep, request))

    async def ResumeSweep(self, request: v1.ResumeSweepRequest, context: object) -> v1.ResumeSweepResponse:
        """Resume a sweep."""
        return v1.ResumeSweepResponse(sweep=await self._change(requests.ResumeSweep, request))

    async def StopSweep(self, request: v1.StopSweepRequest, context: object) -> v1.StopSweepResponse:
        """Stop a sweep; live runs continue to their end."""
        return v1.StopSweepResponse(sweep=await self._change(requests.StopSweep, request))

    async def CancelSweep(self, request: v1.CancelSweepRequest, context: object) -> v1.CancelSweepResponse:
        """Cancel a sweep, kill its live runs, and wait for connected agents to report the runs' ends."""
        await self._change(requests.CancelSweep, request)
        name = names.sweep_name(request.name)
        missing = await wait_for_kills(self._owner.state, self._watchers, name)
        sweep = await self._reading.sweep(name)
        return v1.CancelSweepResponse(sweep=self._message(sweep), unconfirmed_runs=missing[:MAX_NAMES])

    async def UpdateSweep(self, request: v1.UpdateSweepRequest, context: object) -> v1.UpdateSweepResponse:
        """Change the specification of a sweep."""
        name, edit = names.sweep_name(request.sweep.name), requester.edit(request)

        async def prepare(stored: StoredSweep | None, attempt: int) -> requests.UpdateSweep:
            last = await self._last_runs(name) if attempt else ()
            return requests.UpdateSweep(
                name=name, edit=edit, revision=request.revision, last=last, stored=stored
            )

        return await self._requester.ask_prepared(
            prepare,
            name,
            Sweep,
            lambda sweep: v1.UpdateSweepResponse(sweep=self._message(sweep)),
            v1.UpdateSweepResponse,
            repeatable(request, request.request_id, name.parent),
        )

    async def ExplainSweep(self, request: v1.ExplainSweepRequest, context: object) -> v1.ExplainSweepResponse:
        """Return the obstacles to the hand-out of a sweep's runs."""
        stored = await self._reading.sweep(names.sweep_name(request.name))
        sweep = self._owner.state.sweeps.get(stored.key, stored)
        obstacles = obstacles_of_sweep(self._owner.state, sweep)
        return v1.ExplainSweepResponse(
            sweep=self._message(stored), obstacles=[run_codec.obstacle_message(each) for each in obstacles]
        )

    async def GetSweepImportance(
        self, request: v1.GetSweepImportanceRequest, context: object
    ) -> v1.GetSweepImportanceResponse:
        """Return the importance of a sweep's parameters."""
        found = await self._importances.importance(
            await self._reading.sweep(names.sweep_name(request.name)), request.key
        )
        return v1.GetSweepImportanceResponse(importance=found)

    async def ReadSweepProgress(  # type: ignore[override]  # calls `write`, to notice a stalled reader
        self, request: v1.ReadSweepProgressRequest, context: ProgressContext
    ) -> None:
        """Stream the values of a sweep's runs (with repeats, of its points), each with the best so far."""
        sweep = await self._reading.sweep(names.sweep_name(request.name))
        for part in await self._reading(sweep_codec.progress_parts, self._reading.records, sweep):
            await send(context.write, part, TOO_SLOW)

    async def WatchSweep(  # type: ignore[override]  # calls `write`, to notice a stalled reader
        self, request: v1.WatchSweepRequest, context: WatchContext
    ) -> None:
        """Stream a snapshot of a sweep, or the changes since the resume token, then new changes."""
        sweep = await self._reading.sweep(names.sweep_name(request.name))
        follower = self._watchers.follow(sweep.key)
        try:
            async for changed, continues in follow(follower, self._reading, request.resume_token):
                message = v1.WatchSweepResponse(
                    resume_token=str(changed.number),
                    sweep=self._message(changed.sweep) if changed.sweep else None,
                    runs=[run_codec.run_message(run, sweep.value_kind) for run in changed.runs],
                    snapshot_continues=continues,
                )
                await send(context.write, message, TOO_SLOW)
        finally:
            self._watchers.leave(follower)

    async def _gather_prior_runs(
        self, request: v1.CreateSweepRequest | v1.PreviewSweepRequest, spec: SweepSpec
    ) -> Gathered | None:
        """Gather the prior runs that a request selects; None if it selects none."""
        if not request.HasField("prior_runs"):
            return None
        return await self._prior_runs.gather(spec, run_codec.selection(request.prior_runs))

    def _message(self, sweep: Sweep) -> v1.Sweep:
        index = self._owner.state.index.get(sweep.key)
        message = sweep_codec.sweep_message(sweep, len(index.serving) if index else 0)
        if index is not None:
            message.guarded_agents.extend(
                sorted(agent for agent, each in index.guards.items() if each.is_quarantined)
            )
        return message

    async def _last_runs(self, name: names.SweepName) -> tuple[Run, ...]:
        """Read the last `repeats` runs of a sweep; none if it has no repeats."""
        sweep = await self._reading(self._reading.records.sweep, name)
        if sweep is None or sweep.spec.repeats == 1 or not sweep.counts.total:
            return ()
        total = sweep.counts.total
        numbers = range(max(1, total - sweep.spec.repeats + 1), total + 1)
        return tuple(await self._reading(self._reading.records.chosen_runs, sweep, (), numbers))

    async def _change(self, change: StateChange, request: StateRequest) -> v1.Sweep:
        event = change(names.sweep_name(request.name))
        again = repeatable(request, request.request_id, event.name.parent)
        return await self._requester.ask(event, Sweep, self._message, v1.Sweep, again)

    async def _check_searchable(self, spec: SweepSpec) -> None:
        if spec.method.learns:
            violations = await self._engine.objections(spec)
            if violations:
                raise sweep_codec.InvalidSweepError(tuple(Violation(path, why) for path, why in violations))
