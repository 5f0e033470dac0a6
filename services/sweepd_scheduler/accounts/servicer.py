"""Servicer of `AccountService`: each method decodes a request, makes one call and encodes the response."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from sweepd import v1
from sweepd.durations import seconds_of
from sweepd.v1 import account_service_pb2_grpc
from sweepd_kernel.auth.principal import Principal, current_principal
from sweepd_kernel.auth.principal_codec import SCOPES, SCOPES_READ, principal_message
from sweepd_kernel.errors import BadTokenError
from sweepd_kernel.rpc import page_token
from sweepd_scheduler.accounts.accounts import Accounts
from sweepd_scheduler.accounts.places import Places
from sweepd_scheduler.api.requester import repeatable
from sweepd_scheduler.api.run_codec import message_fields
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.account import (
    BoundTokenError,
    EntityEntry,
    ProjectEntry,
    Token,
    TokenRequest,
    TokenState,
    entity,
)
from sweepd_scheduler.message_size import page

_STATES = {state: v1.TokenState.Value(f"TOKEN_STATE_{state.name}") for state in TokenState}
_token_fields = message_fields(v1.Token, Token)
_entity_fields = message_fields(v1.Entity, EntityEntry)
_project_fields = message_fields(v1.Project, ProjectEntry)


def token_message(token: Token, now: int) -> v1.Token:
    """Return a token as a message, without its secret."""
    return v1.Token(
        **_token_fields(token), projects=sorted(token.bounds.places), state=_STATES[token.state(now)]
    )


def caller_message(caller: Principal) -> v1.Token:
    """Return a caller without a stored token (a service, or the server's own token) as a token message."""
    return v1.Token(
        id=caller.token,
        account=caller.name,
        scope=SCOPES[caller.scope],
        projects=sorted(caller.bounds.places),
        state=v1.TOKEN_STATE_VALID,
    )


def wanted_token(request: v1.CreateTokenRequest) -> TokenRequest:
    """Decode a request for a new token."""
    lifetime = request.lifetime
    return TokenRequest(
        display_name=request.display_name,
        account=request.account,
        scope=SCOPES_READ.get(request.scope),
        places=tuple(request.projects),
        lifetime=seconds_of(lifetime) if request.HasField("lifetime") else None,
    )


def entity_message(entity: EntityEntry) -> v1.Entity:
    """Return an entity as a message."""
    return v1.Entity(**_entity_fields(entity))


def project_message(project: ProjectEntry) -> v1.Project:
    """Return a project as a message."""
    return v1.Project(**_project_fields(project), name=str(project.name))


DIGEST_BYTES = 32


class AccountServicer(account_service_pb2_grpc.AccountServiceServicer):
    """Servicer of tokens, entities and projects; callers see and change only those within their bounds."""

    def __init__(self, accounts: Accounts, places: Places) -> None:
        self._accounts = accounts
        self._places = places

    async def WhoAmI(self, request: v1.WhoAmIRequest, context: object) -> v1.WhoAmIResponse:
        """Return the token of the caller."""
        caller = current_principal()
        token = self._accounts.token(caller.token)
        if token is None:
            return v1.WhoAmIResponse(token=caller_message(caller))
        return v1.WhoAmIResponse(token=token_message(token, self._accounts.now()))

    async def CreateToken(self, request: v1.CreateTokenRequest, context: object) -> v1.CreateTokenResponse:
        """Create a token; only this call returns its secret."""
        made = await self._accounts.create(
            wanted_token(request), current_principal(), repeatable(request, request.request_id, None)
        )
        token = token_message(made.token, self._accounts.now())
        return v1.CreateTokenResponse(token=token, secret=made.secret)

    async def ListTokens(self, request: v1.ListTokensRequest, context: object) -> v1.ListTokensResponse:
        """Return a page of tokens, newest first."""
        before = page_token.single(request.page_token, request, int)
        size = page_token.page_size(request.page_size)
        found, more = self._accounts.tokens(current_principal(), before, size)
        now = self._accounts.now()
        fitting = page((token_message(token, now) for token in found), size, v1.Token.ByteSize)
        last = found[len(fitting.entries) - 1] if more or fitting.more else None
        return v1.ListTokensResponse(
            tokens=fitting.entries,
            next_page_token=page_token.encoded([last.number], request) if last else "",
        )

    async def RevokeToken(self, request: v1.RevokeTokenRequest, context: object) -> v1.RevokeTokenResponse:
        """Revoke a token."""
        token = await self._accounts.revoke(request.id, current_principal())
        return v1.RevokeTokenResponse(token=token_message(token, self._accounts.now()))

    async def CreateEntity(self, request: v1.CreateEntityRequest, context: object) -> v1.CreateEntityResponse:
        """Create an entity."""
        bounds = current_principal().bounds
        if not bounds.everywhere:
            raise BoundTokenError("an entity", "CreateEntity", bounds)
        made = await self._places.create_entity(entity(request.name))
        return v1.CreateEntityResponse(entity=entity_message(made))

    async def ListEntities(self, request: v1.ListEntitiesRequest, context: object) -> v1.ListEntitiesResponse:
        """Return a page of entities, ordered by name."""
        after = page_token.single(request.page_token, request, str) or ""
        size = page_token.page_size(request.page_size)
        found, more = await self._places.entities(current_principal().bounds, after, size)
        return v1.ListEntitiesResponse(
            entities=[entity_message(each) for each in found],
            next_page_token=page_token.encoded([found[-1].name], request) if more else "",
        )

    async def CreateProject(
        self, request: v1.CreateProjectRequest, context: object
    ) -> v1.CreateProjectResponse:
        """Create a project."""
        made = await self._places.create_project(names.parent(request.name, "name"))
        return v1.CreateProjectResponse(project=project_message(made))

    async def ListProjects(self, request: v1.ListProjectsRequest, context: object) -> v1.ListProjectsResponse:
        """Return a page of projects, ordered by name."""
        after = page_token.single(request.page_token, request, str) or ""
        size = page_token.page_size(request.page_size)
        bounds = current_principal().bounds
        found, more = await self._places.projects(bounds, request.entity, after, size)
        return v1.ListProjectsResponse(
            projects=[project_message(each) for each in found],
            next_page_token=page_token.encoded([str(found[-1].name)], request) if more else "",
        )

    async def Authenticate(self, request: v1.AuthenticateRequest, context: object) -> v1.AuthenticateResponse:
        """Return the principal of the token with the given SHA-256."""
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
        """Stream the ids of tokens as they are revoked."""
        async with aclosing(self._accounts.revocations.follow()) as parts:
            async for ids in parts:
                yield v1.WatchRevocationsResponse(token_ids=ids)
