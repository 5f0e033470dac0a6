"""Tables of `accounts.sqlite`; schema, statements and readers are generated from them.

This database is separate from that of sweeps and runs, as it is rarely written, and never because of a run.
Times are microseconds since 1970, 0 for never.
"""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from sweepd_kernel.sql.model import column
from sweepd_scheduler.domain.account import Token, TokenCreation, places_of, places_text


class AccountTable(SQLModel, registry=registry()):
    """Base of all tables of this database."""


class TokenRow(AccountTable, table=True):
    """Token. `digest`: SHA-256 of the token's secret; the secret itself is not stored."""

    __tablename__ = "token"
    __entity__ = Token
    number: int = column(key=True)
    id: str = column(unique=True)
    digest: bytes = column(unique=True)
    display_name: str
    account: str
    scope: str
    projects: str = column(at="bounds.places", encode=places_text, decode=places_of)
    creator: str
    create_time: int
    expire_time: int
    revoke_time: int


class TokenRequestRow(AccountTable, table=True):
    """Request that created a token, stored for a day. `request`: SHA-256 of the key of the request."""

    __tablename__ = "token_request"
    __entity__ = TokenCreation
    request: bytes = column(key=True)
    fingerprint: bytes
    token: str
    salt: bytes
    time: int


class EntityRow(AccountTable, table=True):
    """Entity that was created by a call."""

    __tablename__ = "entity"
    name: str = column(key=True)
    create_time: int


class ProjectRow(AccountTable, table=True):
    """Project that was created by a call."""

    __tablename__ = "project"
    entity: str = column(key=True)
    project: str = column(key=True)
    create_time: int
