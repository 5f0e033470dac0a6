"""Principals: who makes a call, in which scope and within which bounds."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import NotAllowedError

OWNER = "owner"


@dataclass(frozen=True)
class Bounds:
    """Places where a token is valid: `{entity}` and `{entity}/{project}`; none: everywhere.

    What lies outside does not exist for the caller.
    """

    places: frozenset[str] = frozenset()

    @property
    def everywhere(self) -> bool:
        """True if nothing lies outside."""
        return not self.places

    def covers(self, entity: str, project: str) -> bool:
        """Return whether a project lies inside."""
        return not self.places or entity in self.places or f"{entity}/{project}" in self.places

    def covers_name(self, name: str) -> bool:
        """Return whether `{entity}/{project}`, or something in a project, lies inside; other texts do not."""
        if not self.places:
            return True
        parts = name.split("/", 2)
        return len(parts) > 1 and self.covers(parts[0], parts[1])

    def touches(self, entity: str) -> bool:
        """Return whether anything of an entity lies inside."""
        return not self.places or entity in self._entities

    def includes(self, other: "Bounds") -> bool:
        """Return whether all of `other` lies inside."""
        if not self.places:
            return True
        return bool(other.places) and all(
            place in self.places or place.partition("/")[0] in self.places for place in other.places
        )

    @cached_property
    def _entities(self) -> frozenset[str]:
        return frozenset(place.partition("/")[0] for place in self.places)


EVERYWHERE = Bounds()


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
    """Expiry of the token on this process's monotonic clock; None: never, or another process enforces it."""


SERVICE = Principal("service", "service")
FULL_ACCESS = Principal(OWNER, "person")

_current: ContextVar[Principal] = ContextVar("principal")


def set_current_principal(principal: Principal) -> None:
    """Make `principal` the caller of the current task."""
    _current.set(principal)


def current_principal() -> Principal:
    """Return the caller of the call that is being answered; outside of one the service itself."""
    return _current.get(SERVICE)


def require_service(method: str) -> None:
    """Refuse people.

    Raises:
        NotAllowedError: the caller is not a service.
    """
    if current_principal().kind != "service":
        raise NotAllowedError(method)
