"""Level: only the newest state counts; it is reported once per stream and repeated until acknowledged."""

from __future__ import annotations

from sweepd_agent.core.cursors import Level


def test_a_state_is_reported_once_and_complete_when_acknowledged() -> None:
    level = Level().on_new_stream(None).changed()
    assert level.to_send
    assert not level.done
    level = level.sending()
    assert not level.to_send
    level = level.acknowledged(1)
    assert level.done
    assert not level.to_send


def test_a_change_while_a_report_is_in_flight_is_sent_after_its_acknowledgement() -> None:
    level = Level().on_new_stream(None).changed().sending().changed().changed()
    assert not level.to_send
    level = level.acknowledged(1)
    assert level.to_send
    level = level.sending().acknowledged(3)
    assert level.done


def test_a_report_in_flight_when_a_stream_broke_is_repeated() -> None:
    level = Level().on_new_stream(None).changed().sending()
    assert level.on_new_stream(0).to_send
    assert not level.on_new_stream(1).to_send
    assert level.on_new_stream(None).to_send, "an unknown outcome does not count as stored"


def test_a_new_process_numbers_beyond_what_an_earlier_one_reported() -> None:
    """Otherwise newly read content would be mistaken for old content."""
    level = Level().changed().on_new_stream(41)
    assert level.to_send
    assert level.sending().sequence == 42
    assert not level.done
    assert Level().on_new_stream(41).done


def test_an_acknowledgement_beyond_the_newest_state_acknowledges_that_state() -> None:
    level = Level().on_new_stream(None).changed().acknowledged(9)
    assert level.done
    assert level.acked == 1
    assert level.changed().to_send
    assert not level.changed().done


def test_another_server_gets_what_the_first_one_had_acknowledged() -> None:
    level = Level().on_new_stream(None).changed().sending().acknowledged(1)
    assert level.done
    for_other_server = level.for_new_receiver().on_new_stream(0)
    assert for_other_server.to_send
    assert not for_other_server.done


def test_a_late_acknowledgement_does_not_lower_the_stored_number() -> None:
    level = Level().on_new_stream(None).changed().changed().sending().acknowledged(2)
    assert level.acknowledged(1) == level
    assert level.on_new_stream(1) == level
    assert level.on_new_stream(9) == level
    assert level.on_new_stream(None) == level


def test_the_numbers_of_an_earlier_process_are_added_once() -> None:
    level = Level().changed().changed().on_new_stream(3)
    assert level == Level(sequence=5, acked=3, sent=3, agreed=True)
    assert level.on_new_stream(3) == level
    assert level.sending().for_new_receiver() == Level(sequence=5)
