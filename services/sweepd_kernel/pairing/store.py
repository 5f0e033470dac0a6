"""Identity and history of a database, in the tables `identity`, which has one row, and `generation`."""

import secrets

from sweepd_kernel.pairing.comparison import Database, Generation, Peer, Position
from sweepd_kernel.sql.database import Connection

MAX_GENERATIONS = 1_000
"""Number of newest generations to compare; a position in an older generation is not recognised."""


def ensure_identity(connection: Connection) -> None:
    """Create an id if the database has none."""
    if connection.execute("select 1 from identity").first() is None:
        connection.execute(_INSERT_IDENTITY, (secrets.token_hex(16),))


def read(connection: Connection, place: str) -> Database:
    """Return the identity and history of the database at `place`."""
    row = connection.execute(_SELECT_IDENTITY).first()
    assert row is not None
    database_id, number, peer, generation, at = row
    rows = connection.execute(_SELECT_GENERATIONS, (MAX_GENERATIONS,)).all()[::-1]
    lasts = [*(first - 1 for _, first in rows[1:]), number][: len(rows)]
    position = None if generation is None else Position(generation, at)
    return Database(
        id=database_id,
        place=place,
        number=number,
        generations=tuple(Generation(row[0], last) for row, last in zip(rows, lasts, strict=True)),
        peer=None if peer is None else Peer(peer, position),
    )


def remember(connection: Connection, peer: Peer) -> None:
    """Store the id and the position of the other database."""
    at = peer.position
    values = (peer.database, at.generation if at else None, at.number if at else None)
    connection.execute(_UPDATE_PEER, values)


class Counter:
    """Counter of commits; each process begins a generation with its first commit."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._begun = False

    def count(self, connection: Connection, number: int | None = None) -> None:
        """Count the commit of the current transaction as commit `number`; None: the next number."""
        if number is None:
            connection.execute("update identity set number = number + 1")
        else:
            connection.execute("update identity set number = ?", (number,))
        if not self._begun:
            connection.execute(_INSERT_GENERATION, (self._token,))

    def settle(self) -> None:
        """Record that the transaction with a counted commit has succeeded, so the generation is stored."""
        self._begun = True


_INSERT_IDENTITY = "insert into identity (id, database_id, number) values (1, ?, 0)"
_SELECT_IDENTITY = "select database_id, number, peer_id, peer_generation, peer_number from identity"
_SELECT_GENERATIONS = "select token, first_number from generation order by first_number desc, id desc limit ?"
_UPDATE_PEER = "update identity set peer_id = ?, peer_generation = ?, peer_number = ?"
_INSERT_GENERATION = (
    "insert into generation (id, token, first_number) select"
    " (select coalesce(max(id), 0) + 1 from generation), cast(? as text), number from identity"
)
