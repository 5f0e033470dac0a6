"""Authentication and authorisation: from what a caller presents to a principal, and what that may call."""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.message import Message

from sweepd_kernel.auth.open_calls import OpenCalls
from sweepd_kernel.auth.principal import FULL_ACCESS, SERVICE, Principal
from sweepd_kernel.auth.principal_codec import PRINCIPAL_KEY, decode_principal
from sweepd_kernel.auth.scopes import Rule, rule_of
from sweepd_kernel.errors import BadTokenError, NotAllowedError, NotFoundError, UnavailableError

TOKEN_FORM = re.compile(r"swp_[A-Za-z0-9_-]{43}")
"""Form of a token's secret: 256 bits."""
_FORMER_KEY = "sweepd-principal"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a caller: a token, and from a service the person for whom it calls."""

    token: str
    on_behalf_of: str | bytes | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str | bytes]) -> "Credentials":
        """Read the metadata of a gRPC call or the headers of an HTTP request, by names in lower case.

        Raises:
            BadTokenError: there is no bearer token among them.
        """
        given = headers.get("authorization", "")
        scheme, _, token = given.partition(" ") if isinstance(given, str) else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise BadTokenError("this call needs a token: authorization: Bearer TOKEN")
        if _FORMER_KEY in headers:  # unread, it would make a person a service
            return cls(token, b"")
        return cls(token, headers.get(PRINCIPAL_KEY))


class Tokens(Protocol):
    """Port: the tokens that people were given."""

    async def principal(self, digest: bytes) -> Principal:
        """Return the principal of the token with this SHA-256.

        Raises:
            BadTokenError: the token is unknown, expired or revoked.
            UnavailableError: the tokens cannot be looked up at the moment.
        """


class NoTokensYet:
    """Tokens of a service that knows them only once it is open: until then none may be called unknown."""

    async def principal(self, digest: bytes) -> Principal:
        """Raise UnavailableError for every token."""
        raise UnavailableError("scheduler", "this address", "it is not open yet")


@dataclass(slots=True)
class Gate:
    """Callers of a service, shared by it and its server: their tokens and the streams that they hold open.

    The kernel makes it; a service that knows tokens sets `tokens` when it is opened.
    """

    tokens: Tokens = field(default_factory=NoTokensYet)
    calls: OpenCalls = field(default_factory=OpenCalls)

    async def principal(self, digest: bytes) -> Principal:
        """Return the principal of a token, from whoever knows the tokens by now."""
        return await self.tokens.principal(digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Finds the principal of credentials; `access_token` is None where only services are admitted."""

    service_token: str
    access_token: str | None
    tokens: Tokens = field(default_factory=NoTokensYet)

    async def principal(self, credentials: Credentials) -> Principal:
        """Return who presents `credentials`.

        Raises:
            BadTokenError: the token is unknown, expired or revoked.
            UnavailableError: the tokens cannot be looked up at the moment.
        """
        token = credentials.token
        if _same(token, self.service_token):
            claimed = credentials.on_behalf_of
            return SERVICE if claimed is None else decode_principal(claimed)
        if self.access_token is not None:
            if _same(token, self.access_token):
                return FULL_ACCESS
            if TOKEN_FORM.fullmatch(token):
                return await self.tokens.principal(digest_of(token))
        raise BadTokenError("the token is not one of this server's")


def digest_of(token: str) -> bytes:
    """Return what is stored of a token. It has 256 random bits, so a plain hash cannot be inverted."""
    return hashlib.sha256(token.encode()).digest()


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def check_scope(principal: Principal, method: str) -> None:
    """Refuse a caller whose token does not allow a call.

    Raises:
        NotAllowedError: naming the scope that would.
    """
    if principal.kind == "service":
        return
    rule = rule_of(method)
    if not rule.allows(principal.scope):
        raise NotAllowedError(
            method.removeprefix("/"), what=rule.what, needed=rule.needed, given=str(principal.scope)
        )


def check_names(principal: Principal, rule: Rule, request: object) -> None:
    """Refuse names outside the caller's bounds as names that do not exist, before anything is looked up.

    Raises:
        NotFoundError: as for what does not exist.
    """
    if principal.bounds.everywhere or not rule.names or not isinstance(request, Message):
        return
    for path in rule.names:
        for name in _named(request, path):
            if name and not principal.bounds.covers_name(name):
                raise NotFoundError(canonical(name))


def canonical(name: str) -> str:
    """Return a name as answers give it: a run by its alias `SWEEP:7` is `SWEEP-7`."""
    sweep, colon, number = name.rpartition(":")
    return f"{sweep}-{number}" if colon and number.isdecimal() else f"{name:.200}"


def _named(message: Message, path: str) -> Iterator[str]:
    first, _, rest = path.partition(".")
    if first not in message.DESCRIPTOR.fields_by_name:  # of a contract that does not have it yet, or no more
        return
    value: object = getattr(message, first)
    if isinstance(value, str):
        yield value
    elif isinstance(value, Message):
        yield from _named(value, rest)
    else:
        yield from value  # type: ignore[misc]  # a repeated field
