"""Answers the calls of `SweepService`: decode, one call, encode."""

import asyncio
import hashlib
import secrets
from dataclasses import replace
from typing import TypeAlias

import grpc.aio
from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec import spec_message
from sweepd.spec import Method, SweepSpec
from sweepd.spec.sizes import counted_points
from sweepd.v1 import sweep_service_pb2_grpc
from sweepd_kernel.errors import InvalidFieldError, NotFoundError, Violation
from sweepd_scheduler import codec, page_token
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.events import (
    CancelSweep,
    CreateSweep,
    PauseSweep,
    Request,
    ResumeSweep,
    StopSweep,
)
from sweepd_scheduler.domain.run import Run
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.following import follow, send
from sweepd_scheduler.owner import Owner
from sweepd_scheduler.reading import Reading
from sweepd_scheduler.remembered import Repeatable
from sweepd_scheduler.study import Studies
from sweepd_scheduler.watch import Watchers

ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
ID_LENGTH = 8
DRAWN_IDS = 8
MAX_REQUEST_ID = 64
CANCEL_PATIENCE = 10.0
WatchContext: TypeAlias = "grpc.aio.ServicerContext[v1.WatchSweepRequest, v1.WatchSweepResponse]"


class SweepServicer(sweep_service_pb2_grpc.SweepServiceServicer):
    """Changes go through the owner; reads see what is committed."""

    def __init__(self, owner: Owner, reading: Reading, studies: Studies, watchers: Watchers) -> None:
        self._owner = owner
        self._reading = reading
        self._studies = studies
        self._watchers = watchers

    async def ValidateSweep(
        self, request: v1.ValidateSweepRequest, context: object
    ) -> v1.ValidateSweepResponse:
        """Report every finding about a file."""
        parsed = await self._reading(codec.read_file, request.file)
        return codec.validation(parsed)

    async def CreateSweep(self, request: v1.CreateSweepRequest, context: object) -> v1.CreateSweepResponse:
        """Create a sweep; its seed and, if need be, its id are drawn here."""
        parent = names.parent(request.parent)
        wanted = names.new_sweep_id(request.sweep_id) if request.sweep_id else None
        spec, file = await self._reading(codec.new_sweep, request)
        if spec.seed is None:
            spec = replace(spec, seed=secrets.randbits(31))
        await self._check_searchable(spec)
        counted = await self._reading(counted_points, spec)
        event = CreateSweep(
            parent=parent, id=wanted, drawn_ids=_drawn_ids(), spec=spec, file=file, counted=counted
        )
        answer = await self._owner.ask(
            event,
            lambda sweep: v1.CreateSweepResponse(sweep=self._message(sweep)).SerializeToString(),
            _repeatable(request, request.request_id),
        )
        return v1.CreateSweepResponse.FromString(answer)

    async def GetSweep(self, request: v1.GetSweepRequest, context: object) -> v1.GetSweepResponse:
        """Give one sweep."""
        sweep = await self._find(request.name)
        return v1.GetSweepResponse(sweep=self._message(sweep))

    async def ListSweeps(self, request: v1.ListSweepsRequest, context: object) -> v1.ListSweepsResponse:
        """Give a page of sweeps, newest first."""
        entity, _, project = request.parent.partition("/")
        wanted = codec.states(codec.SWEEP_STATES, request.states)
        before = _before(page_token.decoded(request.page_token, request))
        size = page_token.page_size(request.page_size)
        found = await self._reading(self._reading.records.sweeps, entity, project, wanted, before, size)
        return v1.ListSweepsResponse(
            sweeps=[self._message(sweep) for sweep in found.entries],
            next_page_token=page_token.encoded([found.entries[-1].key], request) if found.more else "",
        )

    async def PauseSweep(self, request: v1.PauseSweepRequest, context: object) -> v1.PauseSweepResponse:
        """Hand out nothing until it is resumed."""
        event = PauseSweep(names.sweep_name(request.name))
        answer = await self._change(event, request, request.request_id)
        return v1.PauseSweepResponse(sweep=answer)

    async def ResumeSweep(self, request: v1.ResumeSweepRequest, context: object) -> v1.ResumeSweepResponse:
        """Hand out again."""
        event = ResumeSweep(names.sweep_name(request.name))
        answer = await self._change(event, request, request.request_id)
        return v1.ResumeSweepResponse(sweep=answer)

    async def StopSweep(self, request: v1.StopSweepRequest, context: object) -> v1.StopSweepResponse:
        """Hand out no more runs; live runs end by themselves."""
        event = StopSweep(names.sweep_name(request.name))
        answer = await self._change(event, request, request.request_id)
        return v1.StopSweepResponse(sweep=answer)

    async def CancelSweep(self, request: v1.CancelSweepRequest, context: object) -> v1.CancelSweepResponse:
        """Kill what is live, and wait for the agents that are there."""
        name = names.sweep_name(request.name)
        await self._change(CancelSweep(name), request, request.request_id)
        missing = await self._kills_reported(name)
        sweep = await self._find(request.name)
        return v1.CancelSweepResponse(sweep=self._message(sweep), unconfirmed_runs=missing)

    async def WatchSweep(  # type: ignore[override]  # writes by itself: a reader that stalls is noticed
        self, request: v1.WatchSweepRequest, context: WatchContext
    ) -> None:
        """Follow a sweep."""
        sweep = await self._find(request.name)
        follower = self._watchers.follow(sweep.key)
        try:
            async for changed, continues in follow(follower, self._reading, request.resume_token):
                message = v1.WatchSweepResponse(
                    resume_token=str(changed.number),
                    sweep=self._message(changed.sweep) if changed.sweep else None,
                    runs=[codec.run_message(run, sweep.value_kind) for run in changed.runs],
                    snapshot_continues=continues,
                )
                await send(context.write, message)
        finally:
            self._watchers.leave(follower)

    def _message(self, sweep: Sweep) -> v1.Sweep:
        index = self._owner.state.index.get(sweep.key)
        return codec.sweep_message(sweep, len(index.serving) if index else 0)

    async def _find(self, text: str) -> Sweep:
        sweep = await self._reading(self._reading.records.sweep, names.sweep_name(text))
        if sweep is None:
            raise NotFoundError(text)
        return sweep

    async def _change(self, event: Request, request: Message, request_id: str) -> v1.Sweep:
        answer = await self._owner.ask(
            event, lambda sweep: self._message(sweep).SerializeToString(), _repeatable(request, request_id)
        )
        return v1.Sweep.FromString(answer)

    async def _check_searchable(self, spec: SweepSpec) -> None:
        if spec.method is Method.BAYES:
            violations = await self._studies.prepare(spec_message(spec))
            if violations:
                raise codec.InvalidSweepError(tuple(Violation(path, why) for path, why in violations))

    async def _kills_reported(self, name: names.SweepName) -> list[str]:
        """Wait until the connected agents have reported the ends of their runs; return those still live."""
        key = self._owner.state.names.get(name)
        if key is None:
            return []
        follower = self._watchers.follow(key)
        try:
            async with asyncio.timeout(CANCEL_PATIENCE):
                while any(run.key in self._owner.state.placements for run in self._live(key)):
                    follower.news.clear()
                    await follower.news.wait()
        except TimeoutError:
            pass
        finally:
            self._watchers.leave(follower)
        return [run.name for run in self._live(key)]

    def _live(self, key: int) -> list[Run]:
        state = self._owner.state
        numbers = sorted(state.index[key].unfinished) if key in state.index else []
        return [state.runs[(key, number)] for number in numbers]


def _before(place: page_token.Place | None) -> int | None:
    match place:
        case None:
            return None
        case [int(key)]:
            return key
        case _:
            raise page_token.BadTokenError


def _drawn_ids() -> tuple[str, ...]:
    return tuple(
        # An id never looks like the name of a run, nor like a number.
        secrets.choice(ID_LETTERS[:24]) + "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH - 1))
        for _ in range(DRAWN_IDS)
    )


def _repeatable(request: Message, request_id: str) -> Repeatable | None:
    """Return how the call is recognised when it comes again; None if it named no id.

    Raises:
        InvalidFieldError: the id is too long.
    """
    if not request_id:
        return None
    if len(request_id) > MAX_REQUEST_ID:
        raise InvalidFieldError("request_id", f"it has more than {MAX_REQUEST_ID} characters")
    content = request.SerializeToString(deterministic=True)
    kind = request.DESCRIPTOR.full_name.encode()
    return Repeatable(request_id=request_id, fingerprint=hashlib.sha256(kind + b"\0" + content).digest())
