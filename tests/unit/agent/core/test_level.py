"""Only the newest state counts; it is reported once per stream and repeated until acknowledged."""

from __future__ import annotations

from sweepd_agent.core.cursors import Level


def test_a_state_is_reported_once_and_done_when_it_is_acknowledged() -> None:
    level = Level().on_new_stream(None).changed()
    assert level.to_send
    assert not level.done
    level = level.sending()
    assert not level.to_send
    level = level.acknowledged(1)
    assert level.done
    assert not level.to_send


def test_what_changes_while_one_is_under_way_follows_its_acknowledgement() -> None:
    level = Level().on_new_stream(None).changed().sending().changed().changed()
    assert not level.to_send
    level = level.acknowledged(1)
    assert level.to_send
    level = level.sending().acknowledged(3)
    assert level.done


def test_what_was_in_flight_when_a_stream_broke_is_reported_again() -> None:
    level = Level().on_new_stream(None).changed().sending()
    assert level.on_new_stream(0).to_send
    assert not level.on_new_stream(1).to_send
    assert level.on_new_stream(None).to_send, "unknown is not yet stored"


def test_a_new_process_numbers_beyond_what_an_earlier_one_reported() -> None:
    """Otherwise newly read content would be mistaken for old content."""
    level = Level().changed().on_new_stream(41)
    assert level.to_send
    assert level.sending().sequence == 42
    assert not level.done
    assert Level().on_new_stream(41).done


def test_an_acknowledgement_from_beyond_is_no_state_of_ours() -> None:
    level = Level().on_new_stream(None).changed().acknowledged(9)
    assert level.done
    assert level.acked == 1
    assert level.changed().to_send
    assert not level.changed().done


def test_another_server_gets_what_the_first_one_knew() -> None:
    level = Level().on_new_stream(None).changed().sending().acknowledged(1)
    assert level.done
    elsewhere = level.forgotten_elsewhere().on_new_stream(0)
    assert elsewhere.to_send
    assert not elsewhere.done


def test_what_was_stored_before_is_not_lowered_by_a_late_answer() -> None:
    level = Level().on_new_stream(None).changed().changed().sending().acknowledged(2)
    assert level.acknowledged(1) == level
    assert level.on_new_stream(1) == level
    assert level.on_new_stream(9) == level
    assert level.on_new_stream(None) == level


def test_the_numbers_of_another_process_are_added_once() -> None:
    level = Level().changed().changed().on_new_stream(3)
    assert level == Level(sequence=5, acked=3, sent=3, agreed=True)
    assert level.on_new_stream(3) == level
    assert level.sending().forgotten_elsewhere() == Level(sequence=5)
