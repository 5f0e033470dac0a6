"""Direct gRPC connections, for tests that send unusual messages or act as many agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import grpc.aio
import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd.v1.server_service_pb2_grpc import ServerServiceStub
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from system.installation import Server
from token_channel import token_channel

if TYPE_CHECKING:
    from sweepd.v1.agent_service_pb2_grpc import AgentServiceAsyncStub
    from sweepd.v1.metric_service_pb2_grpc import MetricServiceAsyncStub
    from sweepd.v1.run_service_pb2_grpc import RunServiceAsyncStub
    from sweepd.v1.server_service_pb2_grpc import ServerServiceAsyncStub
    from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceAsyncStub
    from sweepd.v1.sweep_service_pb2_grpc import SweepServiceAsyncStub

FINAL = (
    v1.SWEEP_STATE_FINISHED,
    v1.SWEEP_STATE_STOPPED,
    v1.SWEEP_STATE_CANCELLED,
    v1.SWEEP_STATE_FAILED,
)


class OnTheWire(Protocol):
    """Function that runs a scenario on a connection to the gateway."""

    def __call__(self, scenario: Callable[[Wire], Coroutine[None, None, None]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Wire:
    """Connection to the gateway or to a single service."""

    channel: grpc.aio.Channel

    @property
    def sweeps(self) -> SweepServiceAsyncStub:
        """Return the stub for sweeps."""
        return SweepServiceStub(self.channel)

    @property
    def runs(self) -> RunServiceAsyncStub:
        """Return the stub for runs."""
        return RunServiceStub(self.channel)

    @property
    def agents(self) -> AgentServiceAsyncStub:
        """Return the stub for agents."""
        return AgentServiceStub(self.channel)

    @property
    def metrics(self) -> MetricServiceAsyncStub:
        """Return the stub for points and logs."""
        return MetricServiceStub(self.channel)

    @property
    def suggestions(self) -> SuggestionServiceAsyncStub:
        """Return the stub for suggestions."""
        return SuggestionServiceStub(self.channel)

    @property
    def server(self) -> ServerServiceAsyncStub:
        """Return the stub for the server itself."""
        return ServerServiceStub(self.channel)

    async def create(self, text: str, sweep_id: str = "", request_id: str = "") -> v1.Sweep:
        """Create a sweep from the text of its file."""
        file = v1.SweepFile(file_name="sweep.yaml", content=text.encode())
        request = v1.CreateSweepRequest(
            parent="local/demo", sweep_id=sweep_id, file=file, request_id=request_id
        )
        return (await self.sweeps.CreateSweep(request)).sweep

    async def get(self, name: str) -> v1.Sweep:
        """Return a sweep."""
        return (await self.sweeps.GetSweep(v1.GetSweepRequest(name=name))).sweep

    async def run(self, name: str) -> v1.Run:
        """Return a run."""
        return (await self.runs.GetRun(v1.GetRunRequest(name=name))).run

    async def all_runs(self, sweep: str, page_size: int = 1_000) -> list[v1.Run]:
        """Return every run of a sweep, page by page."""
        request = v1.ListRunsRequest(sweep=sweep, page_size=page_size)
        runs: list[v1.Run] = []
        while True:
            page = await self.runs.ListRuns(request)
            runs += page.runs
            if not page.next_page_token:
                return runs
            request.page_token = page.next_page_token

    async def ended(self, name: str) -> v1.Sweep:
        """Follow a sweep until it is in a final state."""
        call = self.sweeps.WatchSweep(v1.WatchSweepRequest(name=name), timeout=60)
        async for change in call:
            if change.HasField("sweep") and change.sweep.state in FINAL:
                call.cancel()
                return change.sweep
        raise AssertionError(f"the watch of {name} ended before the sweep did")


@asynccontextmanager
async def wire_to(address: str, token: str | None) -> AsyncIterator[Wire]:
    """Connect to an address with a token."""
    async with token_channel(address, token) as channel:
        yield Wire(channel)


def through_the_gateway(server: Server, scenario: Callable[[Wire], Coroutine[None, None, None]]) -> None:
    """Run a scenario on a user's connection to the gateway."""

    async def connected() -> None:
        async with wire_to(server.address, server.access_token) as wire:
            await scenario(wire)

    asyncio.run(connected())


async def failure(call: Awaitable[object]) -> Failure:
    """Return the failure of a call."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return Failure.of(refused.value)


async def work_to_the_end(
    agent: ScriptedAgent, values: Callable[[v1.StartRun], list[float]], *, twice: bool = False
) -> int:
    """Take runs one after another until the sweep has ended; return their number.

    Args:
        agent: an agent with one slot and an open stream.
        values: returns the values that a run logs.
        twice: send every report twice, as an agent does after a lost acknowledgement.
    """
    taken = 0
    while True:
        try:
            await agent.offer()
            command = await agent.receive_any("start_run", "sweep_ended")
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            error = await agent.end()
            if error is None or Failure.of(error).reason != "sweep-ended":
                raise
            return taken  # the sweep had ended before the agent attached
        if command.WhichOneof("command") == "sweep_ended":
            return taken
        taken += 1
        start = command.start_run
        await agent.send(command_result=v1.CommandResult(command_id=start.command_id))
        ref = await agent.start_process(start)
        logged = values(start)
        for _ in range(1 + twice):
            if logged:
                await agent.observe(ref, 1, *logged)
            await agent.exit(ref, len(logged), keys=["loss"] if logged else [])
