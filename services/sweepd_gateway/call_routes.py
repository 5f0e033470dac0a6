"""Routes of the gateway: the service and the type of each call, independent of the transport.

The gateway forwards no call that is not in this table. `app.py` serves the routes over gRPC.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import ServiceDescriptor

from sweepd.v1 import (
    account_service_pb2,
    agent_service_pb2,
    metric_service_pb2,
    run_service_pb2,
    sweep_service_pb2,
)
from sweepd_kernel.auth.scopes import rule_of

_SERVICES: tuple[tuple[ServiceDescriptor, str], ...] = (
    (sweep_service_pb2.DESCRIPTOR.services_by_name["SweepService"], "scheduler"),
    (run_service_pb2.DESCRIPTOR.services_by_name["RunService"], "scheduler"),
    (account_service_pb2.DESCRIPTOR.services_by_name["AccountService"], "scheduler"),
    (agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"], "scheduler"),
    (metric_service_pb2.DESCRIPTOR.services_by_name["MetricService"], "metric-store"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Route of one method: its service, and whether requests and responses are streams."""

    backend: str
    method: str
    """Full path, such as `/sweepd.v1.SweepService/GetSweep`; the same in gRPC, gRPC-Web and Connect."""
    request_streaming: bool
    response_streaming: bool
    internal: bool
    """True if only services may call the method."""


def routes() -> Mapping[str, Route]:
    """Return all routes by the full path of the method."""
    return {
        route.method: route
        for service, backend in _SERVICES
        for route in (
            Route(
                backend=backend,
                method=f"/{service.full_name}/{method.name}",
                request_streaming=method.client_streaming,
                response_streaming=method.server_streaming,
                internal=rule_of(f"/{service.full_name}/{method.name}").internal,
            )
            for method in service.methods
        )
    }


def service_names() -> tuple[str, ...]:
    """Return the full names of the services whose calls are forwarded."""
    return tuple(service.full_name for service, _ in _SERVICES)
