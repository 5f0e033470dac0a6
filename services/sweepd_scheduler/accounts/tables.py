"""The tables of `accounts.sqlite`; `schema.sql` and the migrations agree with them.

A database of its own, beside that of sweeps and runs: it is written now and then, never on the way of a run.
Times are microseconds since 1970, 0 for never.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class AccountTable(SQLModel, registry=registry()):
    """What all tables of this database share: a catalogue of their own."""


class TokenRow(AccountTable, table=True):
    """A token: the SHA-256 of its secret, never the secret."""

    __tablename__ = "token"
    number: int = Field(sa_column=Column(Integer, primary_key=True))
    id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    display_name: str = Field(sa_column=Column(Text, nullable=False))
    account: str = Field(sa_column=Column(Text, nullable=False))
    scope: str = Field(sa_column=Column(Text, nullable=False))
    projects: str = Field(sa_column=Column(Text, nullable=False))
    creator: str = Field(sa_column=Column(Text, nullable=False))
    create_time: int = Field(sa_column=Column(BigInteger, nullable=False))
    expire_time: int = Field(sa_column=Column(BigInteger, nullable=False))
    revoke_time: int = Field(sa_column=Column(BigInteger, nullable=False))


class TokenRequestRow(AccountTable, table=True):
    """A request of the last day that has made a token, and the salt of the secret's derivation."""

    __tablename__ = "token_request"
    request: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    token: str = Field(sa_column=Column(Text, nullable=False))
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    time: int = Field(sa_column=Column(BigInteger, nullable=False))


class EntityRow(AccountTable, table=True):
    """An entity that was made by a call; others come to be with their projects."""

    __tablename__ = "entity"
    name: str = Field(sa_column=Column(Text, primary_key=True))
    create_time: int = Field(sa_column=Column(BigInteger, nullable=False))


class ProjectRow(AccountTable, table=True):
    """A project that was made by a call; others come to be with their first sweep."""

    __tablename__ = "project"
    entity: str = Field(sa_column=Column(Text, primary_key=True))
    project: str = Field(sa_column=Column(Text, primary_key=True))
    create_time: int = Field(sa_column=Column(BigInteger, nullable=False))
