"""The state of a peer's database has the form of the contract, or is not remembered."""

import pytest

from sweepd import v1
from sweepd_kernel.errors import InvalidFieldError
from sweepd_kernel.pairing import codec as pairing_codec
from sweepd_kernel.pairing.comparison import Database, Generation, Peer, Position

ID = "0123456789abcdef" * 2
TOKEN = "0123456789abcdef"


def a_state() -> v1.DatabaseState:
    state = v1.DatabaseState(id=ID, place="/data/x", number=7)
    state.generations.add(token=TOKEN, last_number=7)
    state.peer.id = ID
    state.peer.position.generation, state.peer.position.number = TOKEN, 3
    return state


def test_a_database_state_survives_a_round_trip() -> None:
    known = Database(
        id=ID,
        place="/data/x",
        number=7,
        generations=[Generation(TOKEN, 7)],
        peer=Peer(ID, Position(TOKEN, 3)),
    )
    assert pairing_codec.database(a_state()) == known
    assert pairing_codec.message(known) == a_state()


@pytest.mark.parametrize("wrong", ["", "x" * 32, ID + "0", ID.upper(), ID + "\n"])
def test_an_invalid_id_is_refused(wrong: str) -> None:
    own, peer = a_state(), a_state()
    own.id = peer.peer.id = wrong
    for state in (own, peer):
        with pytest.raises(InvalidFieldError, match="id: it must match"):
            pairing_codec.database(state)


@pytest.mark.parametrize("wrong", ["", TOKEN[1:], TOKEN + "0"])
def test_an_invalid_token_is_refused(wrong: str) -> None:
    own, peer = a_state(), a_state()
    own.generations[0].token = peer.peer.position.generation = wrong
    for state in (own, peer):
        with pytest.raises(InvalidFieldError, match="it must match"):
            pairing_codec.database(state)


def test_a_number_out_of_range_is_refused() -> None:
    state = a_state()
    state.number = 2**64 - 1
    with pytest.raises(InvalidFieldError, match="number"):
        pairing_codec.database(state)
