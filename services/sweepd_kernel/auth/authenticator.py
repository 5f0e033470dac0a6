"""Authentication of credentials, and authorisation: checks of a principal's scope and bounds."""

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
"""Format of a token's secret, which has 256 random bits."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a caller: a token, and the encoded person for whom a service makes the call, if any."""

    token: str
    on_behalf_of: str | bytes | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str | bytes]) -> "Credentials":
        """Read credentials from gRPC metadata or HTTP headers, keyed by lower-case name.

        Raises:
            BadTokenError: there is no bearer token.
        """
        given = headers.get("authorization", "")
        scheme, _, token = given.partition(" ") if isinstance(given, str) else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise BadTokenError("this call needs a token: send the header `authorization: Bearer TOKEN`")
        return cls(token, headers.get(PRINCIPAL_KEY))


class Tokens(Protocol):
    """Port of a store of people's tokens."""

    async def principal(self, digest: bytes) -> Principal:
        """Return the principal of the token with this SHA-256.

        Raises:
            BadTokenError: the token is unknown, expired or revoked.
            UnavailableError: the token store is unavailable.
        """


class NoTokensYet:
    """Token store of a service that is still starting: it is unavailable, so no valid token is rejected."""

    async def principal(self, digest: bytes) -> Principal:
        """Raise UnavailableError for every token."""
        raise UnavailableError("scheduler", "this address", "it is still starting")


@dataclass(slots=True)
class Gate:
    """Token store and open streams of a service's callers, shared by the service and its gRPC server.

    The kernel creates it; a service that stores tokens sets `tokens` when it is opened.
    """

    tokens: Tokens = field(default_factory=NoTokensYet)
    calls: OpenCalls = field(default_factory=OpenCalls)

    async def principal(self, digest: bytes) -> Principal:
        """Return the principal of a token from the current token store."""
        return await self.tokens.principal(digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Authenticator of credentials; if `access_token` is None, it accepts only the service token."""

    service_token: str
    access_token: str | None
    tokens: Tokens = field(default_factory=NoTokensYet)

    async def principal(self, credentials: Credentials) -> Principal:
        """Return the principal of `credentials`.

        Raises:
            BadTokenError: the token is unknown, expired or revoked, or the encoded person is malformed.
            UnavailableError: the token store is unavailable.
        """
        token = credentials.token
        if _equal(token, self.service_token):
            person = credentials.on_behalf_of
            return SERVICE if person is None else decode_principal(person)
        if self.access_token is not None:
            if _equal(token, self.access_token):
                return FULL_ACCESS
            if TOKEN_FORM.fullmatch(token):
                return await self.tokens.principal(digest_of(token))
        raise BadTokenError("the token is not one of this server's")


def digest_of(token: str) -> bytes:
    """Return the digest that is stored for a token. A token has 256 random bits, so a plain hash is safe."""
    return hashlib.sha256(token.encode()).digest()


def _equal(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def check_scope(principal: Principal, method: str) -> None:
    """Refuse a call that the caller's token does not allow.

    Raises:
        NotAllowedError: the token's scope does not allow the call; the error names a sufficient one, if any.
    """
    if principal.kind == "service":
        return
    rule = rule_of(method)
    if not rule.allows(principal.scope):
        raise NotAllowedError(
            method.removeprefix("/"), what=rule.what, needed=rule.needed, given=str(principal.scope)
        )


def check_names(principal: Principal, rule: Rule, request: object) -> None:
    """Check, before any look-up, that the names in a request are within the caller's bounds.

    Raises:
        NotFoundError: a name is outside the bounds; the error does not reveal whether it exists.
    """
    if principal.bounds.everywhere or not rule.names or not isinstance(request, Message):
        return
    for path in rule.names:
        for name in _names_at(request, path):
            if name and not principal.bounds.covers_name(name):
                raise NotFoundError(canonical(name))


def canonical(name: str) -> str:
    """Return a name for errors: the run alias `SWEEP:7` as `SWEEP-7`, others cut to 200 characters."""
    sweep, colon, number = name.rpartition(":")
    return f"{sweep}-{number}" if colon and number.isdecimal() else f"{name:.200}"


def _names_at(message: Message, path: str) -> Iterator[str]:
    first, _, rest = path.partition(".")
    if first not in message.DESCRIPTOR.fields_by_name:  # absent in this version of the contract
        return
    value: object = getattr(message, first)
    if isinstance(value, str):
        yield value
    elif isinstance(value, Message):
        yield from _names_at(value, rest)
    else:
        yield from value  # type: ignore[misc]  # a repeated field
