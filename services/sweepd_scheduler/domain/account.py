"""Tokens, their secrets, entities and projects, with the rules for creating them.

A secret has 256 random bits. If the request for a token has an id, the secret is derived instead, so that a
repeated request gets the same secret although no secret is stored. A derived secret is the HMAC-SHA256, keyed
with the service token, of a random salt, the request id and the token's id. The salt is stored for a day, the
request id only as a hash; once the salt is deleted, the secret cannot be derived again.
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
"""Maximum number of empty projects that calls may create: in total, and per entity."""
MAX_SHOWN = 3
"""Maximum number of a token's projects that an error names."""
MIN_LIFETIME, MAX_LIFETIME = 1.0, 3650 * 86_400.0
KEPT_AFTER_END = 30 * 86_400 * SECOND
"""Time for which an ended token is still listed, in microseconds."""


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
        """Return the state at time `now`."""
        if self.revoke_time:
            return TokenState.REVOKED
        return TokenState.EXPIRED if 0 < self.expire_time <= now else TokenState.VALID

    def forgotten(self, now: int) -> bool:
        """Return True if the token expired or was revoked too long ago to be listed."""
        ends = [time for time in (self.revoke_time, self.expire_time) if time]
        return bool(ends) and min(ends) + KEPT_AFTER_END <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Request for a new token."""

    display_name: str
    account: str
    scope: Scope | None
    places: tuple[str, ...]
    lifetime: float | None
    """Seconds; None: no expiry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityEntry:
    """An entity, with the number of its projects that the caller may see. Times as in `Token`."""

    name: str
    create_time: int
    projects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectEntry:
    """A project, with the numbers of its sweeps and runs. Times as in `Token`."""

    name: Parent
    create_time: int
    sweeps: int
    runs: int


class TooManyTokensError(DomainError):
    """The limit on valid tokens is reached."""

    def __init__(self) -> None:
        super().__init__(f"there are {MAX_VALID} valid tokens; revoke some first")


class TooManyPlacesError(DomainError, status=Status.RESOURCE_EXHAUSTED):
    """The limit on entities or empty projects is reached."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}, and no more can be created in advance: a project is also created with its first "
            "sweep or run"
        )


class BoundTokenError(DomainError, status=Status.PERMISSION_DENIED, reason=Reason.NOT_ALLOWED):
    """The caller's token is restricted to projects, so it cannot create this entity or token."""

    def __init__(self, what: str, method: str, within: Bounds, remedy: str = "") -> None:
        super().__init__(
            f"creating {what} needs a token without project restriction, and this one is restricted to "
            f"{_shown(within)}{remedy}",
            metadata={"method": f"sweepd.v1.AccountService/{method}", "scope": "admin"},
        )


def checked(wanted: TokenRequest, caller: str, within: Bounds) -> tuple[str, Scope, Bounds]:
    """Check a request for a token, and return the token's account, scope and bounds.

    `caller`: the caller's account; `within`: bounds of the caller's token.

    Raises:
        DomainError: the request is invalid, or the caller may not create the token.
    """
    name = wanted.display_name
    if len(name) > MAX_DISPLAY_NAME or not name.isprintable():
        raise InvalidFieldError("display_name", f"must have at most {MAX_DISPLAY_NAME} printable characters")
    if wanted.scope is None:
        raise InvalidFieldError("scope", "is missing")
    if wanted.lifetime is not None and not MIN_LIFETIME <= wanted.lifetime <= MAX_LIFETIME:
        raise InvalidFieldError("lifetime", "is not between 1 s and 10 years")
    if len(wanted.places) > MAX_PLACES:
        raise InvalidFieldError("projects", f"has {len(wanted.places)} entries; the maximum is {MAX_PLACES}")
    account = wanted.account or caller
    if account != caller:
        entity(account, "account")
        if not within.everywhere:
            remedy = "; omit the account to create a token for your own"
            raise BoundTokenError("a token for another account", "CreateToken", within, remedy)
    return account, wanted.scope, _bounds(wanted.places, within)


def _shown(bounds: Bounds) -> str:
    places = sorted(bounds.places)
    more = f" and {len(places) - MAX_SHOWN} more" if len(places) > MAX_SHOWN else ""
    return ", ".join(places[:MAX_SHOWN]) + more


def entity(text: str, field: str = "name") -> str:
    """Check the name of an entity or account.

    Raises:
        InvalidFieldError: the text is not a valid name.
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
    """Derive the secret of a token from the request for the token (see the module).

    Args:
        key: the service token.
        salt: random bytes, stored for a day.
        request_id: id of the request for the token.
        token: id of the token.
    """
    derived_from = _DOMAIN + salt + len(request_id).to_bytes(4, "big") + request_id.encode() + token.encode()
    return secret_text(hmac.digest(key.encode(), derived_from, "sha256"))


def secret_text(bits: bytes) -> str:
    """Encode the 32 bytes of a secret as the text that callers present."""
    return PREFIX + base64.urlsafe_b64encode(bits).rstrip(b"=").decode()


def request_digest(key: RequestKey) -> bytes:
    """Return the digest that is stored in place of a request's key, as the request id is a secret."""
    parts = (key.account, key.project, key.request_id)
    lengths = b"".join(len(part).to_bytes(4, "big") for part in parts)
    return hashlib.sha256(b"sweepd request id v2\0" + lengths + "".join(parts).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCreation:
    """Record of a request that created a token; for a day, a duplicate request gets the same secret."""

    request: bytes
    """SHA-256 of the request's key. The request id itself, from which the secret derives, is not stored."""
    fingerprint: bytes
    token: str
    salt: bytes = field(repr=False)
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Contents of the store; the tokens are ordered by number.

    `entities`, `projects`: each with its creation time in microseconds since 1970.
    """

    tokens: Sequence[Token]
    made: Sequence[TokenCreation]
    entities: Sequence[tuple[str, int]]
    projects: Sequence[tuple[Parent, int]]


class AccountStore(Protocol):
    """Port of the store of accounts. Calls come one at a time, from any thread.

    Except for `forget`, a call that raises StorageError has written nothing.
    """

    def load(self) -> Loaded:
        """Return the contents of the store."""

    def put_token(self, token: Token, made: TokenCreation | None, forget_before: int) -> None:
        """Store a token, and `made` if given; delete `TokenCreation` records older than `forget_before`."""

    def forget(self, tokens: Sequence[str], made_before: int) -> None:
        """Delete tokens, and `TokenCreation` records older than `made_before`.

        Unlike the other methods, this one may raise StorageError after the deletion.
        """

    def put_entity(self, name: str, now: int) -> None:
        """Store an entity."""

    def put_project(self, name: Parent, now: int) -> None:
        """Store a project."""

    def close(self) -> None:
        """Close the database."""


def places_text(places: AbstractSet[str]) -> str:
    """Serialise the places of a token: the projects and entities that it is bound to."""
    return json.dumps(sorted(places))


def places_of(text: str) -> frozenset[str]:
    """Parse the stored places of a token."""
    return frozenset(json.loads(text))
