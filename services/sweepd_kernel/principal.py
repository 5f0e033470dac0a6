"""Who is calling: the principal of the call that is being answered."""

import hmac
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from sweepd_kernel.errors import BadTokenError, NotAllowedError

PRINCIPAL_KEY = "sweepd-principal"
OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a service speaking for itself, or a person (perhaps through the gateway)."""

    name: str
    kind: Literal["service", "owner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Knows the tokens of this server; `access_token` is None where only services are let in."""

    service_token: str
    access_token: str | None

    def principal(self, metadata: Mapping[str, str]) -> Principal:
        """Return who presents `metadata`.

        Raises:
            BadTokenError: there is no token in it, or an unknown one.
        """
        given = metadata.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise BadTokenError("this call needs a token: authorization: Bearer TOKEN")
        if _same(token, self.service_token):
            name = metadata.get(PRINCIPAL_KEY, "")
            return Principal(name, "owner") if name else Principal("service", "service")
        if self.access_token is not None and _same(token, self.access_token):
            return Principal(OWNER, "owner")
        raise BadTokenError("the token is not one of this server's")


_current: ContextVar[Principal] = ContextVar("principal")


def enter(principal: Principal) -> None:
    """Make `principal` the caller of the task at hand."""
    _current.set(principal)


def current_principal() -> Principal:
    """The caller of the call that is being answered."""
    return _current.get()


def require_service(method: str) -> None:
    """Refuse people.

    Raises:
        NotAllowedError: the caller is not a service.
    """
    if current_principal().kind != "service":
        raise NotAllowedError(method)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
