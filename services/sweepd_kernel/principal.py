"""Who is calling: the principal of the call that is being answered."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, Protocol

from google.protobuf.message import DecodeError

from sweepd.v1 import account_pb2
from sweepd_kernel.bounds import EVERYWHERE, Bounds
from sweepd_kernel.errors import BadTokenError, NotAllowedError, UnavailableError
from sweepd_kernel.scopes import Scope

PRINCIPAL_KEY = "sweepd-principal-bin"
_FORMER_KEY = "sweepd-principal"
OWNER = "owner"
TOKEN_FORM = re.compile(r"swp_[A-Za-z0-9_-]{43}")
"""What the secret of a token looks like: 256 bits."""

SCOPES = {scope: account_pb2.TokenScope.Value(f"TOKEN_SCOPE_{scope.name}") for scope in Scope}
_SCOPES_READ = {value: scope for scope, value in SCOPES.items()}


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a service speaking for itself, or a person (perhaps through the gateway)."""

    name: str
    kind: Literal["service", "person"]
    scope: Scope = Scope.ADMIN
    bounds: Bounds = EVERYWHERE
    token: str = ""
    """Id of the token; empty: the server's own access token."""
    expires: float | None = field(default=None, compare=False)
    """When the token does, on this process's monotonic clock; None: never, or somebody else watches it."""


SERVICE = Principal("service", "service")
FULL_ACCESS = Principal(OWNER, "person")


class Tokens(Protocol):
    """Knows the tokens that people were given."""

    async def principal(self, digest: bytes) -> Principal:
        """Return whom the token with this SHA-256 speaks for.

        Raises:
            BadTokenError: it lets nobody in, or no longer.
            UnavailableError: nobody can tell at the moment.
        """


class NoTokensYet:
    """Where tokens are known only once the service is open: nobody may be called unknown before."""

    async def principal(self, digest: bytes) -> Principal:
        """Answer that it cannot be told."""
        raise UnavailableError("scheduler", "this address", "it is not open yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Knows the tokens of this server; `access_token` is None where only services are let in."""

    service_token: str
    access_token: str | None
    tokens: Tokens = field(default_factory=NoTokensYet)

    async def principal(self, metadata: Mapping[str, str | bytes]) -> Principal:
        """Return who presents `metadata`.

        Raises:
            BadTokenError: there is no token in it, or an unknown one.
            UnavailableError: nobody can tell at the moment.
        """
        given = metadata.get("authorization", "")
        scheme, _, token = given.partition(" ") if isinstance(given, str) else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise BadTokenError("this call needs a token: authorization: Bearer TOKEN")
        if _same(token, self.service_token):
            if _FORMER_KEY in metadata:  # unread, it would make a person a service
                raise BadTokenError("a service of another version speaks for somebody")
            claimed = metadata.get(PRINCIPAL_KEY)
            return SERVICE if claimed is None else told(claimed)
        if self.access_token is not None:
            if _same(token, self.access_token):
                return FULL_ACCESS
            if TOKEN_FORM.fullmatch(token):
                return await self.tokens.principal(digest_of(token))
        raise BadTokenError("the token is not one of this server's")


def digest_of(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so a plain hash cannot be turned round."""
    return hashlib.sha256(token.encode()).digest()


def telling(principal: Principal) -> bytes:
    """What one service sends another of a person, as `PRINCIPAL_KEY`."""
    return principal_message(principal).SerializeToString()


def principal_message(principal: Principal) -> account_pb2.Principal:
    """Return a person as a message, without the time that is left."""
    return account_pb2.Principal(
        account=principal.name,
        scope=SCOPES[principal.scope],
        projects=sorted(principal.bounds.places),
        token_id=principal.token,
    )


def told(content: str | bytes) -> Principal:
    """Read what another service says of a person.

    Raises:
        BadTokenError: it says nothing of the kind.
    """
    message = account_pb2.Principal()
    try:
        message.ParseFromString(content if isinstance(content, bytes) else content.encode())
    except DecodeError:
        raise BadTokenError("a service speaks for somebody it does not name") from None
    return person(message)


def person(message: account_pb2.Principal, *, expires: float | None = None) -> Principal:
    """Read a person.

    Raises:
        BadTokenError: the message names nobody, or a scope that is not known here.
    """
    scope = _SCOPES_READ.get(message.scope)
    if not message.account or scope is None:
        raise BadTokenError("a service speaks for somebody it does not name")
    return Principal(
        message.account, "person", scope, Bounds(frozenset(message.projects)), message.token_id, expires
    )


_current: ContextVar[Principal] = ContextVar("principal")


def enter(principal: Principal) -> None:
    """Make `principal` the caller of the task at hand."""
    _current.set(principal)


def current_principal() -> Principal:
    """The caller of the call that is being answered; outside of one the service itself."""
    return _current.get(SERVICE)


def require_service(method: str) -> None:
    """Refuse people.

    Raises:
        NotAllowedError: the caller is not a service.
    """
    if current_principal().kind != "service":
        raise NotAllowedError(method)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
