"""Calls about the server, its agents, tokens, entities and projects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from google.protobuf.duration_pb2 import Duration

from sweepd import v1
from sweepd.calls.wire import PAGE, Wire, entries, new_request_id


def list_agents(wire: Wire, sweep: str = "") -> AsyncGenerator[v1.Agent, None]:
    """Yield the agents of a sweep, or all agents."""
    request = v1.ListAgentsRequest(sweep=sweep, page_size=PAGE)
    return entries(wire, request, v1.ListAgentsResponse, lambda page: page.agents)


async def release_agent(wire: Wire, agent: str, *, sweep: str = "") -> list[str]:
    """Release an agent from the quarantine of `sweep`, or of all sweeps; return the affected sweeps."""
    request = v1.ReleaseAgentRequest(agent=agent, sweep=sweep, request_id=new_request_id())
    return list((await wire.one(request, v1.ReleaseAgentResponse)).sweeps)


async def info(wire: Wire) -> v1.GetServerInfoResponse:
    """Return the description of the server."""
    return await wire.one(v1.GetServerInfoRequest(), v1.GetServerInfoResponse)


async def who_am_i(wire: Wire) -> v1.Token:
    """Return the server's record of the token in use."""
    return (await wire.one(v1.WhoAmIRequest(), v1.WhoAmIResponse)).token


async def create_token(
    wire: Wire,
    scope: v1.TokenScope.ValueType,
    *,
    display_name: str = "",
    account: str = "",
    projects: Sequence[str] = (),
    lifetime: float | None = None,
    request_id: str = "",
) -> v1.CreateTokenResponse:
    """Create a token; only this response contains its secret. `lifetime` is in seconds; None: unlimited."""
    left = None
    if lifetime is not None:
        left = Duration()
        left.FromMilliseconds(round(lifetime * 1000))
    request = v1.CreateTokenRequest(
        display_name=display_name,
        account=account,
        scope=scope,
        projects=projects,
        lifetime=left,
        request_id=request_id or new_request_id(),
    )
    return await wire.one(request, v1.CreateTokenResponse)


def tokens(wire: Wire) -> AsyncGenerator[v1.Token, None]:
    """Yield tokens, newest first."""
    request = v1.ListTokensRequest(page_size=PAGE)
    return entries(wire, request, v1.ListTokensResponse, lambda page: page.tokens)


async def revoke_token(wire: Wire, key: str) -> v1.Token:
    """Revoke a token by its id."""
    return (await wire.one(v1.RevokeTokenRequest(id=key), v1.RevokeTokenResponse)).token


def projects(wire: Wire, entity: str = "") -> AsyncGenerator[v1.Project, None]:
    """Yield the projects of an entity, or all projects, by name."""
    request = v1.ListProjectsRequest(entity=entity, page_size=PAGE)
    return entries(wire, request, v1.ListProjectsResponse, lambda page: page.projects)


def entities(wire: Wire) -> AsyncGenerator[v1.Entity, None]:
    """Yield the visible entities, by name."""
    request = v1.ListEntitiesRequest(page_size=PAGE)
    return entries(wire, request, v1.ListEntitiesResponse, lambda page: page.entities)
