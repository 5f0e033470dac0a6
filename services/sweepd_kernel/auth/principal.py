"""Principals: callers with their scope and bounds."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import NotAllowedError

OWNER = "owner"


@dataclass(frozen=True)
class Bounds:
    """Entities and projects for which a token is valid, as `{entity}` or `{entity}/{project}`; empty: all.

    Everything else is reported to the caller as not found.
    """

    places: frozenset[str] = frozenset()

    @property
    def everywhere(self) -> bool:
        """True if there are no bounds."""
        return not self.places

    def covers(self, entity: str, project: str) -> bool:
        """Return True if a project is within the bounds."""
        return not self.places or entity in self.places or f"{entity}/{project}" in self.places

    def covers_name(self, name: str) -> bool:
        """Return True if the name of a project, a sweep or a run is within the bounds."""
        if not self.places:
            return True
        parts = name.split("/", 2)
        return len(parts) > 1 and self.covers(parts[0], parts[1])

    def touches(self, entity: str) -> bool:
        """Return True if an entity, or at least one of its projects, is within the bounds."""
        return not self.places or entity in self._entities

    def includes(self, other: "Bounds") -> bool:
        """Return True if `other` is within these bounds."""
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
    """Caller of a service: another service, or a person (directly or through the gateway)."""

    name: str
    kind: Literal["service", "person"]
    scope: Scope = Scope.ADMIN
    bounds: Bounds = EVERYWHERE
    token: str = ""
    """Id of the token; empty for a service, and for the server's own access token."""
    expires: float | None = field(default=None, compare=False)
    """Expiry of the token on this process's monotonic clock; None: never, or another process enforces it."""


SERVICE = Principal("service", "service")
FULL_ACCESS = Principal(OWNER, "person")

_current: ContextVar[Principal] = ContextVar("principal")


def set_current_principal(principal: Principal) -> None:
    """Set the caller of the current task."""
    _current.set(principal)


def current_principal() -> Principal:
    """Return the caller of the current call; outside of calls, the principal of the service itself."""
    return _current.get(SERVICE)


def require_service(method: str) -> None:
    """Refuse callers other than services.

    Raises:
        NotAllowedError: the caller is not a service.
    """
    if current_principal().kind != "service":
        raise NotAllowedError(method)
