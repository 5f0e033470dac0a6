"""A gRPC server in the test's own process that answers from what the test puts there."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import NoReturn, TypeVar

import grpc
from google.protobuf.message import Message

from sweepd import v1
from sweepd.v1 import (
    agent_service_pb2_grpc,
    metric_service_pb2_grpc,
    run_service_pb2_grpc,
    server_service_pb2_grpc,
    sweep_service_pb2_grpc,
)
from sweepd_kernel.errors import DomainError, NotFoundError, Reason, Status
from sweepd_kernel.status_details import code_of, trailing_metadata

TOKEN = "let-me-in"
Request = TypeVar("Request")
Response = TypeVar("Response")


def fail(context: grpc.ServicerContext, error: DomainError) -> NoReturn:
    context.set_trailing_metadata(trailing_metadata(error))
    context.abort(code_of(error), error.message)


class Sweeps(sweep_service_pb2_grpc.SweepServiceServicer):
    """Sweeps and runs by name; `changes` goes to whoever watches."""

    def __init__(self) -> None:
        self.sweeps: dict[str, v1.Sweep] = {}
        self.runs: dict[str, v1.Run] = {}
        self.requests: list[Message] = []
        self.changes: queue.Queue[v1.WatchSweepResponse | None] = queue.Queue()
        self.unconfirmed: list[str] = []

    def find(self, name: str, context: grpc.ServicerContext) -> v1.Sweep:
        if name not in self.sweeps:
            fail(context, NotFoundError(name))
        return self.sweeps[name]

    def CreateSweep(
        self, request: v1.CreateSweepRequest, context: grpc.ServicerContext
    ) -> v1.CreateSweepResponse:
        self.requests.append(request)
        sweep = v1.Sweep(
            name=f"{request.parent}/{request.sweep_id or 'drawn'}",
            spec=request.spec,
            state=v1.SWEEP_STATE_PENDING,
        )
        self.sweeps[sweep.name] = sweep
        return v1.CreateSweepResponse(sweep=sweep)

    def GetSweep(self, request: v1.GetSweepRequest, context: grpc.ServicerContext) -> v1.GetSweepResponse:
        return v1.GetSweepResponse(sweep=self.find(request.name, context))

    def ListSweeps(
        self, request: v1.ListSweepsRequest, context: grpc.ServicerContext
    ) -> v1.ListSweepsResponse:
        """Give one sweep a page, so that paging is always needed."""
        names = [name for name in self.sweeps if name.startswith(request.parent)]
        place = int(request.page_token or 0)
        following = str(place + 1) if place + 1 < len(names) else ""
        page = [self.sweeps[name] for name in names[place : place + 1]]
        return v1.ListSweepsResponse(sweeps=page, next_page_token=following)

    def PauseSweep(
        self, request: v1.PauseSweepRequest, context: grpc.ServicerContext
    ) -> v1.PauseSweepResponse:
        self.requests.append(request)
        sweep = self.find(request.name, context)
        if sweep.state == v1.SWEEP_STATE_FINISHED:
            message = f"{sweep.name} is finished: it cannot be paused"
            fail(context, DomainError(message, status=Status.FAILED_PRECONDITION, reason=Reason.WRONG_STATE))
        sweep.state = v1.SWEEP_STATE_PAUSED
        return v1.PauseSweepResponse(sweep=sweep)

    def CancelSweep(
        self, request: v1.CancelSweepRequest, context: grpc.ServicerContext
    ) -> v1.CancelSweepResponse:
        self.requests.append(request)
        sweep = self.find(request.name, context)
        sweep.state = v1.SWEEP_STATE_CANCELLED
        return v1.CancelSweepResponse(sweep=sweep, unconfirmed_runs=self.unconfirmed)

    def WatchSweep(
        self, request: v1.WatchSweepRequest, context: grpc.ServicerContext
    ) -> Iterator[v1.WatchSweepResponse]:
        """Send the snapshot unless resumed, then what is put into `changes`; None breaks the stream."""
        self.requests.append(request)
        sweep = self.find(request.name, context)
        if not request.resume_token:
            runs = [run for run in self.runs.values() if run.sweep == sweep.name]
            yield v1.WatchSweepResponse(sweep=sweep, runs=runs, resume_token="0")
        while context.is_active():
            try:
                change = self.changes.get(timeout=0.05)
            except queue.Empty:
                continue
            if change is None:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the link is cut")
            yield change


class Runs(run_service_pb2_grpc.RunServiceServicer):
    """Runs of the same sweeps."""

    def __init__(self, sweeps: Sweeps) -> None:
        self._sweeps = sweeps

    def GetRun(self, request: v1.GetRunRequest, context: grpc.ServicerContext) -> v1.GetRunResponse:
        run = self._sweeps.runs.get(request.name.replace(":", "-"))
        if run is None:
            fail(context, NotFoundError(request.name))
        return v1.GetRunResponse(run=run)

    def ListRuns(self, request: v1.ListRunsRequest, context: grpc.ServicerContext) -> v1.ListRunsResponse:
        self._sweeps.find(request.sweep, context)
        runs = [run for run in self._sweeps.runs.values() if run.sweep == request.sweep]
        runs = [run for run in runs if not request.states or run.state in request.states]
        if request.order == v1.RUN_ORDER_BEST:
            runs = sorted((run for run in runs if run.HasField("value")), key=lambda run: run.value)
        place, size = int(request.page_token or 0), min(request.page_size or 100, 2)
        following = str(place + size) if place + size < len(runs) else ""
        return v1.ListRunsResponse(runs=runs[place : place + size], next_page_token=following)


class Agents(agent_service_pb2_grpc.AgentServiceServicer):
    """Agents as the test lists them."""

    def __init__(self) -> None:
        self.agents: list[v1.Agent] = []

    def ListAgents(
        self, request: v1.ListAgentsRequest, context: grpc.ServicerContext
    ) -> v1.ListAgentsResponse:
        return v1.ListAgentsResponse(agents=self.agents)


class Metrics(metric_service_pb2_grpc.MetricServiceServicer):
    """Histories and logs as the test put them."""

    def __init__(self) -> None:
        self.series: list[v1.Series] = []
        self.log = b""
        self.away = False

    def GetHistory(
        self, request: v1.GetHistoryRequest, context: grpc.ServicerContext
    ) -> v1.GetHistoryResponse:
        if self.away:
            metadata = {"service": "metric-store", "address": "127.0.0.1:1"}
            error = DomainError(
                "the metric store is away",
                status=Status.UNAVAILABLE,
                reason=Reason.SERVICE_UNAVAILABLE,
                metadata=metadata,
            )
            fail(context, error)
        wanted = [series for series in self.series if series.run in request.runs]
        wanted = [series for series in wanted if not request.keys or series.key in request.keys]
        return v1.GetHistoryResponse(series=wanted)

    def ListSummaries(
        self, request: v1.ListSummariesRequest, context: grpc.ServicerContext
    ) -> v1.ListSummariesResponse:
        summaries = [
            v1.KeySummary(run=series.run, key=series.key, last=v1.MetricValue(double_value=0.125))
            for series in self.series
            if not request.runs or series.run in request.runs
        ]
        return v1.ListSummariesResponse(summaries=summaries)

    def ExportPoints(
        self, request: v1.ExportPointsRequest, context: grpc.ServicerContext
    ) -> Iterator[v1.ExportPointsResponse]:
        for series in self.series:
            yield v1.ExportPointsResponse(series=[series])

    def ReadLog(
        self, request: v1.ReadLogRequest, context: grpc.ServicerContext
    ) -> Iterator[v1.ReadLogResponse]:
        offset = request.offset
        while True:
            if content := self.log[offset:]:
                yield v1.ReadLogResponse(attempt=1, offset=offset, content=content)
                offset += len(content)
            if not request.follow or not context.is_active():
                return
            threading.Event().wait(0.02)


class Server(server_service_pb2_grpc.ServerServiceServicer):
    """What the server says of itself."""

    def __init__(self) -> None:
        self.version = "0.1.0"

    def GetServerInfo(
        self, request: v1.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> v1.GetServerInfoResponse:
        return v1.GetServerInfoResponse(version=self.version, protocol_version=1)


class _Door(grpc.ServerInterceptor):
    """Lets nobody in without the token."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Request, Response] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Response] | None:
        """Pass a call with the token on, and refuse others."""
        details = handler_call_details
        if ("authorization", f"Bearer {TOKEN}") in details.invocation_metadata:
            return continuation(details)

        def refuse(request: Request, context: grpc.ServicerContext) -> Response:
            fail(context, DomainError("wrong token", status=Status.UNAUTHENTICATED, reason=Reason.BAD_TOKEN))

        return grpc.unary_unary_rpc_method_handler(refuse)


class ScriptedServer:
    """All services behind one port."""

    def __init__(self) -> None:
        self.sweeps = Sweeps()  # type: ignore[abstract]  # answers the calls of sweepctl alone
        self.runs = Runs(self.sweeps)
        self.agents = Agents()  # type: ignore[abstract]  # answers the calls of sweepctl alone
        self.metrics = Metrics()  # type: ignore[abstract]  # answers the calls of sweepctl alone
        self.info = Server()
        self._server = self._started(0)

    def stop(self) -> None:
        """Be gone at once."""
        self._server.stop(None).wait()

    def start_again(self) -> None:
        """Come back on the same port."""
        self._server = self._started(int(self.address.rpartition(":")[2]))

    def _started(self, port: int) -> grpc.Server:
        pool = futures.ThreadPoolExecutor(8)
        server = grpc.server(pool, interceptors=[_Door()], options=[("grpc.so_reuseport", 0)])
        sweep_service_pb2_grpc.add_SweepServiceServicer_to_server(self.sweeps, server)
        run_service_pb2_grpc.add_RunServiceServicer_to_server(self.runs, server)
        agent_service_pb2_grpc.add_AgentServiceServicer_to_server(self.agents, server)
        metric_service_pb2_grpc.add_MetricServiceServicer_to_server(self.metrics, server)
        server_service_pb2_grpc.add_ServerServiceServicer_to_server(self.info, server)
        self.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
        server.start()
        return server
