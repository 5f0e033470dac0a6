"""Port of accounts to their database: written rarely, read once, at the start; and conversion of a column."""

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from sweepd_scheduler.domain.account import Token
from sweepd_scheduler.domain.names import Parent


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
