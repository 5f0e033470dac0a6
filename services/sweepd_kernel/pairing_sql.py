"""Identity and history of a database in SQLite: the tables `identity`, of one row, and `generation`."""

import secrets
import sqlite3

from sweepd_kernel.pairing.comparison import Database, Generation, Peer, Position

MAX_GENERATIONS = 1_000
"""So many of the newest are compared; a peer that was not met for as many starts is not recognised."""


def ensure_identity(connection: sqlite3.Connection) -> None:
    """Give a new database an id."""
    if connection.execute("select 1 from identity").fetchone() is None:
        connection.execute(_INSERT, (secrets.token_hex(16),))


def read(connection: sqlite3.Connection, place: str) -> Database:
    """Return how the database at `place` stands."""
    database_id, number, peer, generation, at = connection.execute(_SELECT).fetchone()
    rows = connection.execute(_GENERATIONS, (MAX_GENERATIONS,)).fetchall()[::-1]
    lasts = [*(first - 1 for _, first in rows[1:]), number][: len(rows)]
    position = None if generation is None else Position(generation, at)
    return Database(
        id=database_id,
        place=place,
        number=number,
        generations=tuple(Generation(row[0], last) for row, last in zip(rows, lasts, strict=True)),
        peer=None if peer is None else Peer(peer, position),
    )


def remember(connection: sqlite3.Connection, peer: Peer) -> None:
    """Store what is known of the other database; the caller has begun no transaction."""
    position = peer.position
    connection.execute(
        _REMEMBER,
        (peer.database, position and position.generation, position and position.number),
    )


class Counter:
    """The writing side: each process begins a generation with its first commit."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._begun = False

    def count(self, connection: sqlite3.Connection, number: int | None = None) -> None:
        """Count a commit, inside of it; `number`: the one that it has, None: the next one."""
        if number is None:
            connection.execute("update identity set number = number + 1")
        else:
            connection.execute("update identity set number = ?", (number,))
        if not self._begun:
            connection.execute(_BEGIN, (self._token,))

    def settle(self) -> None:
        """Record that the commit is stored."""
        self._begun = True


_INSERT = "insert into identity (id, database_id, number) values (1, ?, 0)"
_SELECT = "select database_id, number, peer_id, peer_generation, peer_number from identity"
_GENERATIONS = "select token, first_number from generation order by first_number desc, id desc limit ?"
_REMEMBER = "update identity set peer_id = ?, peer_generation = ?, peer_number = ?"
_BEGIN = "insert into generation (token, first_number) select ?, number from identity"
