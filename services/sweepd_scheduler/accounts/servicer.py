"""Servicer of `AccountService`: decode, one call, encode."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from sweepd import v1
from sweepd.v1 import account_service_pb2_grpc
from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.auth.principal_codec import principal_message
from sweepd_kernel.errors import BadTokenError
from sweepd_kernel.rpc import page_token
from sweepd_scheduler.accounts import codec
from sweepd_scheduler.accounts.accounts import Accounts
from sweepd_scheduler.accounts.places import Places
from sweepd_scheduler.api.requester import repeatable
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.account import BoundTokenError, entity
from sweepd_scheduler.message_size import page

DIGEST_BYTES = 32


class AccountServicer(account_service_pb2_grpc.AccountServiceServicer):
    """Tokens and places, as the caller may see them."""

    def __init__(self, accounts: Accounts, places: Places) -> None:
        self._accounts = accounts
        self._places = places

    async def WhoAmI(self, request: v1.WhoAmIRequest, context: object) -> v1.WhoAmIResponse:
        """Return the caller."""
        caller = current_principal()
        token = self._accounts.token(caller.token)
        if token is None:
            return v1.WhoAmIResponse(token=codec.caller_message(caller))
        return v1.WhoAmIResponse(token=codec.token_message(token, self._accounts.now()))

    async def CreateToken(self, request: v1.CreateTokenRequest, context: object) -> v1.CreateTokenResponse:
        """Make a token; this answer alone has its secret."""
        made = await self._accounts.create(
            codec.wanted_token(request), current_principal(), repeatable(request, request.request_id, None)
        )
        token = codec.token_message(made.token, self._accounts.now())
        return v1.CreateTokenResponse(token=token, secret=made.secret)

    async def ListTokens(self, request: v1.ListTokensRequest, context: object) -> v1.ListTokensResponse:
        """Return a page of tokens, newest first."""
        match page_token.decoded(request.page_token, request):
            case None:
                before = None
            case [int(before)]:
                pass
            case _:
                raise page_token.BadPageTokenError
        size = page_token.page_size(request.page_size)
        found, more = self._accounts.tokens(current_principal(), before, size)
        now = self._accounts.now()
        told = page((codec.token_message(token, now) for token in found), size, v1.Token.ByteSize)
        last = found[len(told.entries) - 1] if more or told.more else None
        return v1.ListTokensResponse(
            tokens=told.entries,
            next_page_token=page_token.encoded([last.number], request) if last else "",
        )

    async def RevokeToken(self, request: v1.RevokeTokenRequest, context: object) -> v1.RevokeTokenResponse:
        """End a token."""
        token = await self._accounts.revoke(request.id, current_principal())
        return v1.RevokeTokenResponse(token=codec.token_message(token, self._accounts.now()))

    async def CreateEntity(self, request: v1.CreateEntityRequest, context: object) -> v1.CreateEntityResponse:
        """Make an entity."""
        bounds = current_principal().bounds
        if not bounds.everywhere:
            raise BoundTokenError(bounds)
        made = await self._places.create_entity(entity(request.name))
        return v1.CreateEntityResponse(entity=codec.entity_message(made))

    async def ListEntities(self, request: v1.ListEntitiesRequest, context: object) -> v1.ListEntitiesResponse:
        """Return a page of entities."""
        after = _after(page_token.decoded(request.page_token, request))
        size = page_token.page_size(request.page_size)
        found, more = await self._places.entities(current_principal().bounds, after, size)
        return v1.ListEntitiesResponse(
            entities=[codec.entity_message(each) for each in found],
            next_page_token=page_token.encoded([found[-1].name], request) if more else "",
        )

    async def CreateProject(
        self, request: v1.CreateProjectRequest, context: object
    ) -> v1.CreateProjectResponse:
        """Make a project."""
        made = await self._places.create_project(names.parent(request.name, "name"))
        return v1.CreateProjectResponse(project=codec.project_message(made))

    async def ListProjects(self, request: v1.ListProjectsRequest, context: object) -> v1.ListProjectsResponse:
        """Return a page of projects."""
        after = _after(page_token.decoded(request.page_token, request))
        size = page_token.page_size(request.page_size)
        bounds = current_principal().bounds
        found, more = await self._places.projects(bounds, request.entity, after, size)
        return v1.ListProjectsResponse(
            projects=[codec.project_message(each) for each in found],
            next_page_token=page_token.encoded([str(found[-1].name)], request) if more else "",
        )

    async def Authenticate(self, request: v1.AuthenticateRequest, context: object) -> v1.AuthenticateResponse:
        """Return the principal of a token."""
        if len(request.digest) != DIGEST_BYTES:
            raise BadTokenError("a SHA-256 has 32 bytes")
        principal = await self._accounts.principal(request.digest)
        message = principal_message(principal)
        if principal.expires is not None:
            left = principal.expires - self._accounts.clock.monotonic()
            message.time_left.FromMilliseconds(max(0, round(left * 1000)))
        return v1.AuthenticateResponse(principal=message)

    async def WatchRevocations(
        self, request: v1.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[v1.WatchRevocationsResponse]:
        """Send the id of each token that is revoked."""
        async with aclosing(self._accounts.revocations.follow()) as parts:
            async for ids in parts:
                yield v1.WatchRevocationsResponse(token_ids=ids)


def _after(place: page_token.SortKey | None) -> str:
    match place:
        case None:
            return ""
        case [str(name)]:
            return name
        case _:
            raise page_token.BadPageTokenError
