"""What is asked of a server as a whole."""

from __future__ import annotations

from sweepd import v1
from sweepd.calls import methods
from sweepd.calls.wire import Wire


async def info(wire: Wire) -> v1.GetServerInfoResponse:
    """Return what the server is."""
    return await wire.one(methods.GET_SERVER_INFO, v1.GetServerInfoRequest())
