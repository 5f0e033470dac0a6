"""When a service that died is started again."""

from sweepd_kernel.backoff import Backoff


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff()
    assert [backoff.next_delay() for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_health_lets_them_begin_anew() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.next_delay(healthy_for=1.0)
    assert backoff.next_delay(healthy_for=10.0) == 0.2
    assert backoff.next_delay(healthy_for=9.9) == 0.4
