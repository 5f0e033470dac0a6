"""What is asked of the service of accounts: tokens, entities, projects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from google.protobuf.duration_pb2 import Duration

from sweepd import v1
from sweepd.calls import methods
from sweepd.calls.pages import PAGE, pages
from sweepd.calls.request_id import new_request_id
from sweepd.calls.wire import Wire


async def who_am_i(wire: Wire) -> v1.Token:
    """Return what is known of the token that is presented."""
    return (await wire.one(methods.WHO_AM_I, v1.WhoAmIRequest())).token


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
    """Make a token; the answer alone has its secret. `lifetime` in seconds, None: for ever."""
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
    return await wire.one(methods.CREATE_TOKEN, request)


async def tokens(wire: Wire) -> AsyncGenerator[v1.Token, None]:
    """Yield tokens, newest first."""
    async with aclosing(pages(wire, methods.LIST_TOKENS, v1.ListTokensRequest(page_size=PAGE))) as found:
        async for page in found:
            for token in page.tokens:
                yield token


async def revoke_token(wire: Wire, key: str) -> v1.Token:
    """End a token by its id."""
    return (await wire.one(methods.REVOKE_TOKEN, v1.RevokeTokenRequest(id=key))).token


async def projects(wire: Wire, entity: str = "") -> AsyncGenerator[v1.Project, None]:
    """Yield projects by name, those of one entity or all."""
    request = v1.ListProjectsRequest(entity=entity, page_size=PAGE)
    async with aclosing(pages(wire, methods.LIST_PROJECTS, request)) as found:
        async for page in found:
            for project in page.projects:
                yield project


async def entities(wire: Wire) -> AsyncGenerator[v1.Entity, None]:
    """Yield the entities of which something may be seen, by name."""
    request = v1.ListEntitiesRequest(page_size=PAGE)
    async with aclosing(pages(wire, methods.LIST_ENTITIES, request)) as found:
        async for page in found:
            for entity in page.entities:
                yield entity
