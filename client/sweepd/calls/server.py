"""Calls about the server itself, and about its agents."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from sweepd import v1
from sweepd.calls import methods
from sweepd.calls.call_forms import PAGE, entries
from sweepd.calls.methods import new_request_id
from sweepd.calls.wire import Wire


def list_agents(wire: Wire, sweep: str = "") -> AsyncGenerator[v1.Agent, None]:
    """Yield agents, those of one sweep or all."""
    request = v1.ListAgentsRequest(sweep=sweep, page_size=PAGE)
    return entries(wire, methods.LIST_AGENTS, request, lambda page: page.agents)


async def release_agent(wire: Wire, agent: str, *, sweep: str = "") -> list[str]:
    """Let an agent take runs again of `sweep`, or of all that hold it back; return their names."""
    request = v1.ReleaseAgentRequest(agent=agent, sweep=sweep, request_id=new_request_id())
    return list((await wire.one(methods.RELEASE_AGENT, request)).sweeps)


async def info(wire: Wire) -> v1.GetServerInfoResponse:
    """Return the description of the server."""
    return await wire.one(methods.GET_SERVER_INFO, v1.GetServerInfoRequest())
