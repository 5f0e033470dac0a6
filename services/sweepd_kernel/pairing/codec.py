"""Codec of the database states that services compare for pairing."""

import re

from sweepd import v1
from sweepd_kernel.errors import InvalidFieldError
from sweepd_kernel.pairing.comparison import Database, Generation, Peer, Position

_ID = re.compile("[0-9a-f]{32}")
_TOKEN = re.compile("[0-9a-f]{16}")
_MAX_NUMBER = 2**63 - 1


def message(database: Database) -> v1.DatabaseState:
    """Return the state of a database as a message."""
    state = v1.DatabaseState(
        id=database.id,
        place=database.place,
        number=database.number,
        generations=[
            v1.DatabaseGeneration(token=each.token, last_number=each.last) for each in database.generations
        ],
    )
    if database.peer is not None:
        state.peer.id = database.peer.database
        if (position := database.peer.position) is not None:
            state.peer.position.generation, state.peer.position.number = position.generation, position.number
    return state


def database(message: v1.DatabaseState) -> Database:
    """Return the state of a database in a message.

    Raises:
        InvalidFieldError: a field is malformed; if such a state were stored as the peer's, the real peer
            would be rejected.
    """
    _require(_ID, message.id, "id")
    for each in message.generations:
        _require(_TOKEN, each.token, "generations.token")
    if max((message.number, *(each.last_number for each in message.generations))) > _MAX_NUMBER:
        raise InvalidFieldError("number", f"a commit number is greater than {_MAX_NUMBER}")
    return Database(
        id=message.id,
        place=message.place,
        number=message.number,
        generations=[Generation(each.token, each.last_number) for each in message.generations],
        peer=_peer(message.peer) if message.HasField("peer") else None,
    )


def _peer(message: v1.PeerDatabase) -> Peer:
    at = message.position
    _require(_ID, message.id, "peer.id")
    if message.HasField("position"):
        _require(_TOKEN, at.generation, "peer.position.generation")
    return Peer(message.id, Position(at.generation, at.number) if message.HasField("position") else None)


def _require(form: re.Pattern[str], text: str, field: str) -> None:
    if not form.fullmatch(text):
        raise InvalidFieldError(field, f"it must match {form.pattern}")
