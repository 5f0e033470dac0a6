"""Small real services with canned answers, to test kernel and gateway in isolation."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass

import grpc
import grpc.aio

from sweepd import v1
from sweepd.v1 import (
    agent_service_pb2_grpc,
    metric_service_pb2_grpc,
    sweep_service_pb2_grpc,
)
from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.errors import DomainError, NotFoundError, Status, WrongStateError
from sweepd_kernel.flags import address
from sweepd_kernel.service import ServiceContext, ServiceDefinition
from sweepd_kernel.sql.sqlite import SqliteEngine

Context = grpc.aio.ServicerContext


@dataclass(slots=True)
class Seen:
    """Record of the calls to a service; read by a request for the sweep `seen`."""

    live_streams: int = 0
    half_closed: int = 0
    written: int = 0


class Sweeps(sweep_service_pb2_grpc.SweepServiceServicer):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def GetSweep(
        self, request: v1.GetSweepRequest, context: "Context[v1.GetSweepRequest, v1.GetSweepResponse]"
    ) -> v1.GetSweepResponse:
        if request.name == "missing":
            raise NotFoundError("missing")
        if request.name == "broken":
            raise KeyError("broken")
        if request.name == "slow":
            await asyncio.sleep(30)
        if request.name == "who":
            caller = current_principal()
            return v1.GetSweepResponse(sweep=v1.Sweep(name=f"{caller.kind}:{caller.name}"))
        if request.name == "time":
            return v1.GetSweepResponse(sweep=v1.Sweep(name=f"{context.time_remaining():.1f}"))
        if request.name == "pid":
            return v1.GetSweepResponse(sweep=v1.Sweep(name=str(os.getpid())))
        if request.name == "seen":
            seen = self._seen
            text = f"{seen.live_streams} {seen.half_closed} {seen.written}"
            return v1.GetSweepResponse(sweep=v1.Sweep(name=text))
        return v1.GetSweepResponse(sweep=v1.Sweep(name=request.name))

    async def PauseSweep(
        self, request: v1.PauseSweepRequest, context: "Context[v1.PauseSweepRequest, v1.PauseSweepResponse]"
    ) -> v1.PauseSweepResponse:
        raise WrongStateError(request.name, "finished", "pause")

    async def WatchSweep(
        self, request: v1.WatchSweepRequest, context: "Context[v1.WatchSweepRequest, v1.WatchSweepResponse]"
    ) -> AsyncIterator[v1.WatchSweepResponse]:
        self._seen.live_streams += 1
        try:
            for number in range(10_000):
                padding = "x" * 65_536 if request.name == "flood" else ""
                yield v1.WatchSweepResponse(resume_token=f"{number}{padding}")
                self._seen.written = number + 1
                if request.name == "one":
                    raise DomainError("too slow", status=Status.RESOURCE_EXHAUSTED)
                if request.name != "flood":
                    await asyncio.sleep(0.01)
        finally:
            self._seen.live_streams -= 1


class Agents(agent_service_pb2_grpc.AgentServiceServicer):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def Attach(
        self,
        request_iterator: AsyncIterator[v1.AttachRequest],
        context: "Context[v1.AttachRequest, v1.AttachResponse]",
    ) -> AsyncIterator[v1.AttachResponse]:
        self._seen.live_streams += 1
        try:
            async for request in request_iterator:
                if request.hello.agent_id == "refuse":
                    raise WrongStateError("a/b/c", "finished", "attach to")
                yield v1.AttachResponse(welcome=v1.Welcome(session=request.hello.agent_id))
            self._seen.half_closed += 1
            yield v1.AttachResponse(welcome=v1.Welcome(session="bye"))
        finally:
            self._seen.live_streams -= 1


class Metrics(metric_service_pb2_grpc.MetricServiceServicer):
    async def Append(
        self,
        request_iterator: AsyncIterator[v1.AppendRequest],
        context: "Context[v1.AppendRequest, v1.AppendResponse]",
    ) -> AsyncIterator[v1.AppendResponse]:
        async for request in request_iterator:
            yield v1.AppendResponse(run=request.run)

    async def ListSummaries(
        self,
        request: v1.ListSummariesRequest,
        context: "Context[v1.ListSummariesRequest, v1.ListSummariesResponse]",
    ) -> v1.ListSummariesResponse:
        return v1.ListSummariesResponse(next_page_token="from the metric store")


class Scheduler:
    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        seen = Seen()
        sweep_service_pb2_grpc.add_SweepServiceServicer_to_server(Sweeps(seen), server)  # type: ignore[abstract]
        agent_service_pb2_grpc.add_AgentServiceServicer_to_server(Agents(seen), server)  # type: ignore[abstract]
        return ("sweepd.v1.SweepService", "sweepd.v1.AgentService")

    async def start(self, address: str) -> None:
        return None

    async def stop(self) -> None:
        return None


class MetricStore(Scheduler):
    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        metric_service_pb2_grpc.add_MetricServiceServicer_to_server(Metrics(), server)  # type: ignore[abstract]
        return ("sweepd.v1.MetricService",)


class Suggestion(Scheduler):
    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        return ()


async def open_scheduler(context: ServiceContext) -> Scheduler:
    _write_database(context)
    return Scheduler()


async def open_metric_store(context: ServiceContext) -> MetricStore:
    _write_database(context)
    return MetricStore()


async def open_suggestion(context: ServiceContext) -> Suggestion:
    assert context.data is None
    return Suggestion()


def _write_database(context: ServiceContext) -> None:
    assert context.data is not None
    with closing(SqliteEngine(context.data / "small.db", context.data.name).connect()) as connection:
        connection.execute("create table if not exists starts (pid integer)")
        connection.execute("insert into starts values (?)", (os.getpid(),))


def scheduler_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--metrics", type=address, required=True)
    parser.add_argument("--suggestion", type=address, required=True)
    parser.add_argument("--lease", default="30s")


def no_flags(_parser: argparse.ArgumentParser) -> None:
    return None


def definitions() -> list[ServiceDefinition]:
    return [
        _definition("metric-store", open_metric_store, no_flags, has_data=True),
        _definition("suggestion", open_suggestion, no_flags, has_data=False),
        _definition("scheduler", open_scheduler, scheduler_flags, has_data=True, accepts_people=True),
    ]


def _definition(
    name: str,
    opener: Callable[[ServiceContext], Awaitable[Scheduler]],
    flags: Callable[[argparse.ArgumentParser], None],
    *,
    has_data: bool,
    accepts_people: bool = False,
) -> ServiceDefinition:
    return ServiceDefinition(
        name=name,
        help=name,
        has_data=has_data,
        accepts_people=accepts_people,
        add_flags=flags,
        open=opener,
    )
