"""Accounts in SQLite: one connection, one transaction a change."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.database import open_sqlite, storage_error
from sweepd_scheduler.accounts.ports import Loaded, Made
from sweepd_scheduler.domain.account import Token
from sweepd_scheduler.domain.names import Parent

_PUT = (
    "insert or replace into token (number, id, digest, display_name, account, scope, projects, creator,"
    " create_time, expire_time, revoke_time) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_MADE = (
    "insert or replace into token_request (request, fingerprint, token, salt, time) values (?, ?, ?, ?, ?)"
)
_FORGET_MADE = "delete from token_request where time < ?"


class SqliteAccounts:
    """The store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_sqlite(path)
        self._connection.row_factory = sqlite3.Row
        # What is deleted is overwritten: the salt of a derivation is gone after its day.
        self._connection.execute("pragma secure_delete = on")

    def load(self) -> Loaded:
        """Return what is kept."""
        with self._transaction() as connection:
            return Loaded(
                tokens=[_token(row) for row in connection.execute("select * from token order by number")],
                made=[_made(row) for row in connection.execute("select * from token_request order by time")],
                entities=[
                    (row["name"], row["create_time"]) for row in connection.execute("select * from entity")
                ],
                projects=[
                    (Parent(row["entity"], row["project"]), row["create_time"])
                    for row in connection.execute("select * from project")
                ],
            )

    def put_token(self, token: Token, made: Made | None, forget_before: int) -> None:
        """Store a new or changed token durably."""
        with self._transaction() as connection:
            connection.execute(_PUT, _values(token))
            if made is not None:
                values = (made.request, made.fingerprint, made.token, made.salt, made.time)
                connection.execute(_PUT_MADE, values)
            connection.execute(_FORGET_MADE, (forget_before,))

    def forget(self, tokens: Sequence[str], made_before: int) -> None:
        """Forget tokens, and what was made before a time."""
        with self._transaction() as connection:
            connection.executemany("delete from token where id = ?", [(each,) for each in tokens])
            connection.execute(_FORGET_MADE, (made_before,))
        try:
            # The log of changes still has what was overwritten; what is busy now is done the next time.
            self._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        except sqlite3.Error as error:
            raise storage_error(error, "scheduler", self._path) from error

    def put_entity(self, name: str, now: int) -> None:
        """Store an entity."""
        with self._transaction() as connection:
            connection.execute("insert or ignore into entity (name, create_time) values (?, ?)", (name, now))

    def put_project(self, name: Parent, now: int) -> None:
        """Store a project."""
        with self._transaction() as connection:
            connection.execute(
                "insert or ignore into project (entity, project, create_time) values (?, ?, ?)",
                (name.entity, name.project, now),
            )

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        try:
            connection.execute("begin immediate")
            yield connection
            connection.execute("commit")
        except BaseException as error:
            if connection.in_transaction:
                connection.rollback()
            if isinstance(error, sqlite3.Error):
                raise storage_error(error, "scheduler", self._path) from error
            raise


def _values(token: Token) -> tuple[int | str | bytes, ...]:
    return (
        token.number,
        token.id,
        token.digest,
        token.display_name,
        token.account,
        str(token.scope),
        json.dumps(sorted(token.bounds.places)),
        token.creator,
        token.create_time,
        token.expire_time,
        token.revoke_time,
    )


def _token(row: sqlite3.Row) -> Token:
    return Token(
        number=row["number"],
        id=row["id"],
        digest=row["digest"],
        display_name=row["display_name"],
        account=row["account"],
        scope=Scope(row["scope"]),
        bounds=Bounds(frozenset(json.loads(row["projects"]))),
        creator=row["creator"],
        create_time=row["create_time"],
        expire_time=row["expire_time"],
        revoke_time=row["revoke_time"],
    )


def _made(row: sqlite3.Row) -> Made:
    return Made(
        request=row["request"],
        fingerprint=row["fingerprint"],
        token=row["token"],
        salt=row["salt"],
        time=row["time"],
    )
