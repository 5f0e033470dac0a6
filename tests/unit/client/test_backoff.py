"""Delays between attempts."""

from sweepd.backoff import Backoff


def test_delays_double_up_to_the_maximum() -> None:
    backoff = Backoff()
    assert [backoff.next_delay() for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_long_healthy_period_resets_the_delay() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.next_delay(lasted=1.0)
    assert backoff.next_delay(lasted=10.0) == 0.2
    assert backoff.next_delay(lasted=9.9) == 0.4


def test_success_resets_the_delay() -> None:
    backoff = Backoff(first=0.25, longest=8.0)
    assert [backoff.next_delay() for _ in range(2)] == [0.25, 0.5]
    backoff.reset()
    assert backoff.delay == 0
    assert backoff.next_delay() == 0.25
