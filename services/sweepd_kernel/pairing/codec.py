"""Databases to be compared as messages of the contract."""

import re

from sweepd import v1
from sweepd_kernel.errors import InvalidFieldError
from sweepd_kernel.pairing.comparison import Database, Generation, Peer, Position

_ID = re.compile("[0-9a-f]{32}")
_TOKEN = re.compile("[0-9a-f]{16}")
_MOST = 2**63 - 1


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
    """Read a database.

    Raises:
        InvalidFieldError: a field has another form than the contract says. Remembered as the peer, it would
            keep the true one out.
    """
    _require(_ID, told.id, "id")
    for each in told.generations:
        _require(_TOKEN, each.token, "generations.token")
    if max((told.number, *(each.last_number for each in told.generations))) > _MOST:
        raise InvalidFieldError("number", f"numbers of commits are at most {_MOST}")
    return Database(
        id=told.id,
        place=told.place,
        number=told.number,
        generations=[Generation(each.token, each.last_number) for each in told.generations],
        peer=_peer(told.peer) if told.HasField("peer") else None,
    )


def _peer(told: v1.PeerDatabase) -> Peer:
    at = told.position
    _require(_ID, told.id, "peer.id")
    if told.HasField("position"):
        _require(_TOKEN, at.generation, "peer.position.generation")
    return Peer(told.id, Position(at.generation, at.number) if told.HasField("position") else None)


def _require(form: re.Pattern[str], text: str, field: str) -> None:
    if not form.fullmatch(text):
        raise InvalidFieldError(field, f"it has to have the form {form.pattern}")
