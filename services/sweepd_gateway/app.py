"""Wiring of the gateway: its flags, its backends, its services."""

import argparse
from pathlib import Path

from sweepd_gateway.backend import Backend
from sweepd_gateway.gateway import Gateway
from sweepd_gateway.server_servicer import ServerInfoServicer
from sweepd_gateway.tokens import CachedTokens
from sweepd_kernel.flags import address
from sweepd_kernel.service import ServiceContext, ServiceDefinition


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the gateway's own flags."""
    for flag, what in (
        ("--scheduler", "the scheduler"),
        ("--metrics", "the metric store"),
        ("--suggestion", "the suggestion service"),
    ):
        parser.add_argument(flag, type=address, required=True, metavar="HOST:PORT", help=f"address of {what}")
    parser.add_argument(
        "--server-data",
        type=Path,
        metavar="DIR",
        help="folder that the discovery entry names as the server's data",
    )


async def open_gateway(context: ServiceContext) -> Gateway:
    """Make the gateway; it connects to its services when they are needed."""
    flags = context.flags
    backends = {
        name: Backend(name, str(where), context.service_token)
        for name, where in (
            ("scheduler", flags.scheduler),
            ("metric-store", flags.metrics),
            ("suggestion", flags.suggestion),
        )
    }
    tokens = CachedTokens(backends["scheduler"], context.gate.calls, context.clock.monotonic, context.log)
    context.gate.tokens = tokens
    return Gateway(
        backends,
        ServerInfoServicer(tuple(backends.values()), context.clock),
        tokens,
        access_token=context.access_token,
        server_data="" if flags.server_data is None else str(flags.server_data),
        log=context.log,
    )


SERVICE = ServiceDefinition(
    name="gateway",
    help="The one address for people and agents: authenticates calls and forwards them to the services.",
    has_data=False,
    accepts_people=True,
    add_flags=add_flags,
    open=open_gateway,
)
