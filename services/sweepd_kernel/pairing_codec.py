"""Translates between the contract's messages about the two databases and what is compared."""

from sweepd import v1
from sweepd_kernel.pairing import Database, Generation, Peer, Position


def message(database: Database) -> v1.DatabaseState:
    """Return a database as the contract has it."""
    told = v1.DatabaseState(
        id=database.id,
        place=database.place,
        number=database.number,
        generations=[
            v1.DatabaseGeneration(token=each.token, last_number=each.last) for each in database.generations
        ],
    )
    if database.peer is not None:
        told.peer.id = database.peer.database
        if (position := database.peer.position) is not None:
            told.peer.position.generation, told.peer.position.number = position.generation, position.number
    return told


def database(told: v1.DatabaseState) -> Database:
    """Read a database."""
    return Database(
        id=told.id,
        place=told.place,
        number=told.number,
        generations=[Generation(each.token, each.last_number) for each in told.generations],
        peer=_peer(told.peer) if told.HasField("peer") else None,
    )


def _peer(told: v1.PeerDatabase) -> Peer:
    at = told.position
    return Peer(told.id, Position(at.generation, at.number) if told.HasField("position") else None)
