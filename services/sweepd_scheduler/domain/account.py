"""Tokens and their secrets, entities and projects: what they are, and which of them may be made. Pure.

A secret is 256 random bits. Where the request has an id, they are derived, so that a repeated request gets
the same secret though it is not stored: HMAC-SHA256, keyed with the service token (a file), of a random salt
(in the database for a day) and the request id (of which the database has the hash). After the day the salt is
gone, and the secret cannot be derived again.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sweepd.name_part import is_part
from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import DomainError, InvalidFieldError, NotFoundError, Reason, Status
from sweepd_scheduler.domain.events import SECOND
from sweepd_scheduler.domain.names import Parent, parent
from sweepd_scheduler.domain.requests.remembered import RequestKey

MAX_PLACES = 100
MAX_DISPLAY_NAME = 64
MAX_VALID = 10_000
MAX_ENTITIES = 10_000
MAX_EMPTY, MAX_EMPTY_OF_ENTITY = 10_000, 1_000
"""Projects made by a call that nothing is in yet."""
SHOWN = 3
"""Number of a token's projects that an error names."""
SHORTEST, LONGEST = 1.0, 3650 * 86_400.0
KEPT_AFTER_END = 30 * 86_400 * SECOND
"""Microseconds for which an ended token is still listed."""


class TokenState(StrEnum):
    """State of a token."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token without its secret. Times are microseconds since 1970, 0 for never."""

    number: int
    id: str
    digest: bytes = field(repr=False)
    display_name: str
    account: str
    scope: Scope
    bounds: Bounds
    creator: str
    create_time: int
    expire_time: int = 0
    revoke_time: int = 0

    def state(self, now: int) -> TokenState:
        """Return the state at a time."""
        if self.revoke_time:
            return TokenState.REVOKED
        return TokenState.EXPIRED if 0 < self.expire_time <= now else TokenState.VALID

    def forgotten(self, now: int) -> bool:
        """Return True if it ended so long ago that it is not listed any more."""
        ends = [time for time in (self.revoke_time, self.expire_time) if time]
        return bool(ends) and min(ends) + KEPT_AFTER_END <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Request for a token."""

    display_name: str
    account: str
    scope: Scope | None
    places: tuple[str, ...]
    lifetime: float | None
    """Seconds; None: for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityEntry:
    """An entity, and how many of its projects are seen. Times as in Token."""

    name: str
    create_time: int
    projects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectEntry:
    """A project, with counts. Times as in Token."""

    name: Parent
    create_time: int
    sweeps: int
    runs: int


class TooManyTokensError(DomainError):
    """No more tokens are made."""

    def __init__(self) -> None:
        super().__init__(
            f"there are {MAX_VALID} valid tokens; revoke some first", status=Status.RESOURCE_EXHAUSTED
        )


class TooManyPlacesError(DomainError):
    """No more entities or projects are made by a call."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}, and no more are made beforehand: a project also comes to be with its first sweep or run",
            status=Status.RESOURCE_EXHAUSTED,
        )


class BoundTokenError(DomainError):
    """A token bound to projects makes neither tokens of other accounts nor entities."""

    def __init__(self, what: str, method: str, within: Bounds, remedy: str = "") -> None:
        super().__init__(
            f"making {what} needs a token that is bound to no project, and this one is bound to "
            f"{_shown(within)}{remedy}",
            status=Status.PERMISSION_DENIED,
            reason=Reason.NOT_ALLOWED,
            metadata={"method": f"sweepd.v1.AccountService/{method}", "scope": "admin"},
        )


def checked(wanted: TokenRequest, caller: str, within: Bounds) -> tuple[str, Scope, Bounds]:
    """Return account, scope and bounds of a token that `caller`, who is bound to `within`, may make.

    Raises:
        DomainError: it may not be made.
    """
    name = wanted.display_name
    if len(name) > MAX_DISPLAY_NAME or not name.isprintable():
        raise InvalidFieldError("display_name", f"has up to {MAX_DISPLAY_NAME} printable characters")
    if wanted.scope is None:
        raise InvalidFieldError("scope", "is missing")
    if wanted.lifetime is not None and not SHORTEST <= wanted.lifetime <= LONGEST:
        raise InvalidFieldError("lifetime", "is not within 1 s to 10 years")
    if len(wanted.places) > MAX_PLACES:
        raise InvalidFieldError("projects", f"are {len(wanted.places)}, at most {MAX_PLACES} are")
    account = wanted.account or caller
    if account != caller:
        entity(account, "account")
        if not within.everywhere:
            remedy = "; leave the account out to make one for your own"
            raise BoundTokenError("a token for another account", "CreateToken", within, remedy)
    return account, wanted.scope, _bounds(wanted.places, within)


def _shown(bounds: Bounds) -> str:
    places = sorted(bounds.places)
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(places[:SHOWN]) + more


def entity(text: str, field: str = "name") -> str:
    """Read the name of an entity or account.

    Raises:
        InvalidFieldError: it is none.
    """
    if not is_part(text):
        raise InvalidFieldError(field, f"{text!r:.200} does not match [a-z0-9][a-z0-9_.-]{{0,63}}")
    return text


def _bounds(places: Sequence[str], within: Bounds) -> Bounds:
    if not places:
        return within
    for place in places:
        if "/" in place:
            parent(place, "projects")
        else:
            entity(place, "projects")
    bounds = Bounds(frozenset(places))
    for place in sorted(bounds.places):
        if not within.includes(Bounds(frozenset({place}))):
            raise NotFoundError(place)
    return bounds


PREFIX = "swp_"
SALT_BYTES = 32
_DOMAIN = b"sweepd token secret v1\0"


def derived_secret(key: str, salt: bytes, request_id: str, token: str) -> str:
    """Return the secret of `token`."""
    derived_from = _DOMAIN + salt + len(request_id).to_bytes(4, "big") + request_id.encode() + token.encode()
    return secret_text(hmac.digest(key.encode(), derived_from, "sha256"))


def secret_text(bits: bytes) -> str:
    """Return 32 bytes as the text that is presented."""
    return PREFIX + base64.urlsafe_b64encode(bits).rstrip(b"=").decode()


def request_digest(key: RequestKey) -> bytes:
    """Return what is stored of a request id, which only its caller knows."""
    parts = (key.account, key.project, key.request_id)
    lengths = b"".join(len(part).to_bytes(4, "big") for part in parts)
    return hashlib.sha256(b"sweepd request id v2\0" + lengths + "".join(parts).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Record that a request has created a token; for a day a repetition can derive its secret again."""

    request: bytes
    """SHA-256 of the request id. The id is a part of the derivation, and stored nowhere."""
    fingerprint: bytes
    token: str
    salt: bytes = field(repr=False)
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Everything that is stored; tokens by number. Times are microseconds since 1970."""

    tokens: Sequence[Token]
    made: Sequence[Made]
    entities: Sequence[tuple[str, int]]
    projects: Sequence[tuple[Parent, int]]


class AccountStore(Protocol):
    """Store, used by one caller at a time, in any thread. A method that raises StorageError did nothing."""

    def load(self) -> Loaded:
        """Return what is stored."""

    def put_token(self, token: Token, made: Made | None, forget_before: int) -> None:
        """Store a new or changed token durably; what was `made` before `forget_before` is forgotten."""

    def forget(self, tokens: Sequence[str], made_before: int) -> None:
        """Forget tokens, and what was made before a time; that may be done although it raises."""

    def put_entity(self, name: str, now: int) -> None:
        """Store an entity."""

    def put_project(self, name: Parent, now: int) -> None:
        """Store a project."""

    def close(self) -> None:
        """Close the database."""


def places_text(places: AbstractSet[str]) -> str:
    """Return the projects and entities that a token is bound to as they are stored."""
    return json.dumps(sorted(places))


def places_of(text: str) -> frozenset[str]:
    """Return the places of a stored text."""
    return frozenset(json.loads(text))
