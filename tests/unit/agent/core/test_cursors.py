from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sweepd_agent.core.cursors import PATIENCE, Cursor


def test_a_window_limits_unacknowledged_rows_but_never_the_first_message() -> None:
    cursor = Cursor()
    assert cursor.may_send(0)
    cursor = cursor.sending(10, 500, now=0.0)
    assert cursor.may_send(501)
    assert not cursor.may_send(500)
    assert cursor.acknowledged(10, now=0.1).may_send(0)


def test_an_acknowledgement_below_the_previous_one_repeats_the_rows_after_it() -> None:
    cursor = Cursor().sending(10, 1, now=0.0).acknowledged(10, now=0.1)
    assert cursor.acknowledged(4, now=0.2).sent == 4


def test_an_acknowledgement_without_progress_repeats_rows_after_a_timeout() -> None:
    cursor = Cursor(acked=4, sent=4).sending(10, 1, now=0.0)
    assert cursor.acknowledged(4, now=PATIENCE / 2).sent == 10
    again = cursor.acknowledged(4, now=PATIENCE * 2)
    assert again.sent == 4
    assert again.sending(10, 1, now=PATIENCE * 2.1).acknowledged(4, now=PATIENCE * 2.2).sent == 10


def test_the_round_trip_is_that_of_the_latest_message_covered() -> None:
    cursor = Cursor().sending(3, 1, now=1.0).sending(6, 1, now=2.0).sending(9, 1, now=3.0)
    assert cursor.round_trip(6, now=5.0) == 3.0
    assert cursor.round_trip(2, now=5.0) is None


steps = st.lists(
    st.sampled_from(["write", "send", "send", "deliver", "deliver", "lose the stream", "restart the agent"]),
    max_size=60,
)


@given(steps, st.integers(1, 5))
def test_every_row_arrives_once_despite_any_interruptions(happened: list[str], batch: int) -> None:
    written, stored, time = 0, [0], 0.0
    cursor, saved = Cursor(), 0
    network: list[tuple[int, int]] = []

    def send() -> None:
        nonlocal cursor
        if cursor.sent < written:
            last = min(written, cursor.sent + batch)
            network.append((cursor.sent + 1, last))
            cursor = cursor.sending(last, 1, time)

    def deliver() -> None:
        nonlocal cursor
        if network:
            first, last = network.pop(0)
            if first <= stored[-1] + 1:
                stored.extend(range(stored[-1] + 1, last + 1))
            cursor = cursor.acknowledged(stored[-1], time)

    for step in happened:
        time += 0.4
        if step == "write":
            written += 3
        elif step == "send":
            send()
        elif step == "deliver":
            deliver()
            saved = cursor.acked
        else:
            network.clear()
            before = cursor if step == "lose the stream" else Cursor(acked=saved, sent=saved)
            cursor = before.on_new_stream(stored[-1])
        assert cursor.acked <= cursor.sent
    while stored[-1] < written:
        time += 2 * PATIENCE
        send()
        deliver()
    assert stored == list(range(written + 1))


def test_without_a_window_everything_may_be_sent() -> None:
    assert Cursor().sending(10, 500, now=0.0).sending(20, 500, now=0.0).may_send(None)


def test_unacknowledged_rows_are_those_beyond_the_acknowledged_one() -> None:
    cursor = Cursor().sending(10, 1, now=0.0).sending(20, 2, now=0.0).sending(30, 4, now=0.0)
    assert (cursor.acked, cursor.sent, cursor.size) == (0, 30, 7)
    answered = cursor.acknowledged(20, now=0.1)
    assert (answered.acked, answered.sent, answered.size) == (20, 30, 4)
    beyond = cursor.acknowledged(40, now=0.1)
    assert (beyond.acked, beyond.sent, beyond.size) == (40, 40, 0)
    assert cursor.sending(25, 1, now=0.2).sent == 30


def test_the_timeout_is_counted_from_the_oldest_message_or_the_last_repetition() -> None:
    cursor = Cursor().sending(10, 1, now=5.0).sending(20, 1, now=5.9)
    assert cursor.acknowledged(0, now=5.99).sent == 20
    again = cursor.acknowledged(0, now=5.0 + PATIENCE)
    assert again == Cursor(rewound=5.0 + PATIENCE)
    assert again.acknowledged(0, now=6.5).rewound == 6.0
    # An earlier message does not shorten it: what was repeated has the full timeout again.
    late = replace(again, sent=10, in_flight=cursor.in_flight)
    assert late.acknowledged(0, now=6.9) == late
    assert late.acknowledged(0, now=7.0).rewound == 7.0


def test_an_acknowledgement_below_the_previous_one_restarts_the_timeout() -> None:
    cursor = Cursor(acked=10, sent=20).acknowledged(4, now=3.0)
    assert cursor == Cursor(acked=4, sent=4, rewound=3.0)


def test_a_new_stream_begins_at_the_cursor_of_the_server() -> None:
    cursor = Cursor(acked=4, sent=9).sending(12, 1, now=0.0)
    assert cursor.on_new_stream(None) == Cursor(acked=4, sent=4)
    assert cursor.on_new_stream(0) == Cursor()
    assert cursor.on_new_stream(7) == Cursor(acked=7, sent=7)
    assert cursor.round_trip(12, now=2.5) == 2.5
