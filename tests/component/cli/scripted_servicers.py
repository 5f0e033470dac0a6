"""gRPC server in the process of the test; it returns what the test has stored in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import TypeVar

import grpc

from component.cli.run_servicers import Agents, Runs
from component.cli.sweep_servicers import Sweeps, fail
from reserved_port import ReservedPort
from sweepd import v1
from sweepd.v1 import (
    account_service_pb2_grpc,
    agent_service_pb2_grpc,
    metric_service_pb2_grpc,
    run_service_pb2_grpc,
    server_service_pb2_grpc,
    sweep_service_pb2_grpc,
)
from sweepd_kernel.errors import DomainError, Reason, Status

TOKEN = "let-me-in"
Request = TypeVar("Request")
Response = TypeVar("Response")


class Metrics(metric_service_pb2_grpc.MetricServiceServicer):
    """Service that returns the histories and the log stored by a test."""

    def __init__(self) -> None:
        self.series: list[v1.Series] = []
        self.log = b""
        # Part of the log that arrives only when a client follows it.
        self.rest = b""
        self.unavailable = False

    def GetHistory(
        self, request: v1.GetHistoryRequest, context: grpc.ServicerContext
    ) -> v1.GetHistoryResponse:
        if self.unavailable:
            metadata = {"service": "metric-store", "address": "127.0.0.1:1"}
            error = DomainError(
                "the metric store is unavailable",
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
            if (not request.runs or series.run in request.runs)
            and (not request.keys or series.key in request.keys)
            and series.key.startswith("system/") == request.system
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
        if request.follow:
            self.log, self.rest = self.log + self.rest, b""
        while True:
            if content := self.log[offset:]:
                yield v1.ReadLogResponse(attempt=1, offset=offset, content=content)
                offset += len(content)
            if not request.follow or not context.is_active():
                return
            threading.Event().wait(0.02)


class Server(server_service_pb2_grpc.ServerServiceServicer):
    """Service that describes the server itself."""

    def __init__(self) -> None:
        self.version = "0.1.0"

    def GetServerInfo(
        self, request: v1.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> v1.GetServerInfoResponse:
        return v1.GetServerInfoResponse(version=self.version, protocol_version=1)


class Accounts(account_service_pb2_grpc.AccountServiceServicer):
    """Service that lists the projects of all sweeps, and `projects`, which have no sweep."""

    def __init__(self, sweeps: Sweeps) -> None:
        self._sweeps = sweeps
        self.projects: list[str] = []

    def ListEntities(
        self, request: v1.ListEntitiesRequest, context: grpc.ServicerContext
    ) -> v1.ListEntitiesResponse:
        projects = [project.name for project in self.ListProjects(v1.ListProjectsRequest(), context).projects]
        names = sorted({name.partition("/")[0] for name in projects})
        return v1.ListEntitiesResponse(entities=[v1.Entity(name=name) for name in names])

    def ListProjects(
        self, request: v1.ListProjectsRequest, context: grpc.ServicerContext
    ) -> v1.ListProjectsResponse:
        names = {name.rpartition("/")[0] for name in self._sweeps.sweeps} | set(self.projects)
        found = [name for name in sorted(names) if request.entity in ("", name.partition("/")[0])]
        return v1.ListProjectsResponse(projects=[v1.Project(name=name) for name in found])


class _Gateway(grpc.ServerInterceptor):
    """Interceptor that refuses calls without the token."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Request, Response] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Response] | None:
        """Forward a call that has the token, and refuse others."""
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
        self.accounts = Accounts(self.sweeps)  # type: ignore[abstract]  # answers the calls of sweepctl alone
        self._port = ReservedPort()
        self.address = self._port.address
        self._server = self._started()

    def stop(self) -> None:
        """Stop serving immediately; `restart` serves on the same port."""
        self._server.stop(None).wait()

    def close(self) -> None:
        """Stop serving and release the port."""
        self.stop()
        self._port.release()

    def restart(self) -> None:
        """Serve on the same port as before."""
        self._server = self._started()

    def _started(self) -> grpc.Server:
        pool = futures.ThreadPoolExecutor(8)
        server = grpc.server(pool, interceptors=[_Gateway()], options=[("grpc.so_reuseport", 0)])
        sweep_service_pb2_grpc.add_SweepServiceServicer_to_server(self.sweeps, server)
        run_service_pb2_grpc.add_RunServiceServicer_to_server(self.runs, server)
        agent_service_pb2_grpc.add_AgentServiceServicer_to_server(self.agents, server)
        metric_service_pb2_grpc.add_MetricServiceServicer_to_server(self.metrics, server)
        account_service_pb2_grpc.add_AccountServiceServicer_to_server(self.accounts, server)
        server_service_pb2_grpc.add_ServerServiceServicer_to_server(self.info, server)
        assert server.add_insecure_port(self.address) == self._port.number
        server.start()
        return server
