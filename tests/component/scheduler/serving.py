"""Real services on loopback, in the event loop of a test; each can be restarted on its data."""

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio

from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from sweepd_kernel.auth.authenticator import Gate
from sweepd_kernel.clock import SystemClock
from sweepd_kernel.flags import Address
from sweepd_kernel.rpc.listener import Listener
from sweepd_kernel.rpc.server import ServerSettings, run_service
from sweepd_kernel.service import RunningService, ServiceContext, ServiceDefinition
from sweepd_metric_store.app import SERVICE as METRIC_STORE
from sweepd_scheduler.app import SERVICE as SCHEDULER
from sweepd_suggestion.app import SERVICE as SUGGESTION
from token_channel import token_channel

if TYPE_CHECKING:
    from sweepd.v1.agent_service_pb2_grpc import AgentServiceAsyncStub
    from sweepd.v1.metric_service_pb2_grpc import MetricServiceAsyncStub
    from sweepd.v1.run_service_pb2_grpc import RunServiceAsyncStub
    from sweepd.v1.sweep_service_pb2_grpc import SweepServiceAsyncStub

TOKEN = "access"
SERVICE_TOKEN = "service"
UNREACHABLE = "127.0.0.1:1"


@dataclass
class Served:
    """Service that a test serves."""

    definition: ServiceDefinition
    folder: Path
    flags: list[str] = field(default_factory=list)
    address: str = ""
    service: RunningService | None = None
    gate: Gate | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _task: "asyncio.Task[None] | None" = None

    async def start(self) -> str:
        parser = argparse.ArgumentParser()
        self.definition.add_flags(parser)
        self.folder.mkdir(parents=True, exist_ok=True)
        log = logging.getLogger(f"test.{self.definition.name}")
        context = ServiceContext(
            flags=parser.parse_args(self.flags),
            data=self.folder,
            listen=Address("127.0.0.1", 0),
            service_token=SERVICE_TOKEN,
            access_token=TOKEN,
            clock=SystemClock(),
            log=log,
        )
        self.gate = context.gate
        self.service = await self.definition.open(context)
        settings = ServerSettings(
            name=self.definition.name,
            listener=Listener(address=Address("127.0.0.1", 0), port_file=self.folder / "port"),
            service_token=SERVICE_TOKEN,
            access_token=TOKEN,
            log=log,
            gate=context.gate,
        )
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stopping = asyncio.Event()
        serving = run_service(self.service, settings, ready=ready.set_result, stopping=self._stopping)
        self._task = asyncio.get_running_loop().create_task(serving)
        self._task.add_done_callback(lambda _: ready.done() or ready.cancel())
        self.address = await ready
        return self.address

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is not None:
            await self._task
            self._task = None


@dataclass
class Installation:
    """Scheduler, and a channel of a client to it."""

    scheduler: Served
    channel: grpc.aio.Channel

    @property
    def sweeps(self) -> "SweepServiceAsyncStub":
        return SweepServiceStub(self.channel)

    @property
    def runs(self) -> "RunServiceAsyncStub":
        return RunServiceStub(self.channel)

    @property
    def agents(self) -> "AgentServiceAsyncStub":
        return AgentServiceStub(self.channel)

    async def restart(self) -> None:
        """Stop the scheduler and start it again on its data and its port."""
        await self.scheduler.stop()
        await self.scheduler.start()


def a_metric_store(folder: Path) -> Served:
    return Served(METRIC_STORE, folder / "metrics")


def a_suggestion_service(folder: Path) -> Served:
    return Served(SUGGESTION, folder / "suggestion", ["--fit-workers", "1"])


@asynccontextmanager
async def a_scheduler(
    folder: Path, *flags: str, metrics: str = UNREACHABLE, suggestion: str = UNREACHABLE
) -> AsyncIterator[Installation]:
    addresses = ["--metrics", metrics, "--suggestion", suggestion]
    scheduler = Served(SCHEDULER, folder / "scheduler", [*addresses, *flags])
    address = await scheduler.start()
    channel = token_channel(address, TOKEN)
    try:
        yield Installation(scheduler, channel)
    finally:
        await channel.close()
        await scheduler.stop()


def metric_stub(address: str) -> "tuple[grpc.aio.Channel, MetricServiceAsyncStub]":
    channel = token_channel(address, SERVICE_TOKEN)
    return channel, MetricServiceStub(channel)
