"""A typed, blocking client of accounts: tokens, entities, projects; errors as `ClientError`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from sweepd import v1
from sweepd.calls import PAGE, Calls, new_request_id
from sweepd.channel import channel
from sweepd.v1.account_service_pb2_grpc import AccountServiceStub

if TYPE_CHECKING:
    from typing import Self

__all__ = ["AccountClient"]


class AccountClient:
    """Talks to one server; a context manager that closes its channel. Every method raises ClientError."""

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self._calls = Calls(address)
        self._channel = channel(address, token)
        self._accounts = AccountServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def who_am_i(self) -> v1.Token:
        """Return what is known of the token that is presented."""
        return self._calls.one(self._accounts.WhoAmI, v1.WhoAmIRequest()).token

    def create_token(
        self,
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
        return self._calls.one(self._accounts.CreateToken, request)

    def list_tokens(self) -> Iterator[v1.Token]:
        """Yield tokens, newest first."""
        for page in self._calls.pages(self._accounts.ListTokens, v1.ListTokensRequest(page_size=PAGE)):
            yield from page.tokens

    def revoke_token(self, key: str) -> v1.Token:
        """End a token by its id."""
        return self._calls.one(self._accounts.RevokeToken, v1.RevokeTokenRequest(id=key)).token

    def create_entity(self, name: str) -> v1.Entity:
        """Make an entity."""
        return self._calls.one(self._accounts.CreateEntity, v1.CreateEntityRequest(name=name)).entity

    def list_entities(self) -> Iterator[v1.Entity]:
        """Yield entities by name."""
        request = v1.ListEntitiesRequest(page_size=PAGE)
        for page in self._calls.pages(self._accounts.ListEntities, request):
            yield from page.entities

    def create_project(self, name: str) -> v1.Project:
        """Make a project."""
        return self._calls.one(self._accounts.CreateProject, v1.CreateProjectRequest(name=name)).project
