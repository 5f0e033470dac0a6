"""Timers that fire at their time, and the time stamps of the core."""

from datetime import UTC, datetime, timedelta, timezone

from sweepd_scheduler.domain.events import SearchDue, microseconds
from sweepd_scheduler.owner.inbox import Timers


def test_timers_fire_in_the_order_of_their_times_then_of_being_set() -> None:
    timers = Timers(lambda _: False)
    for at, sweep in ((3.0, 1), (1.0, 2), (1.0, 3), (2.0, 4)):
        timers.set(at, SearchDue(sweep))
    assert timers.due(0.9) == []
    assert timers.due(2.0) == [SearchDue(2), SearchDue(3), SearchDue(4)]
    assert timers.next_at == 3.0
    assert timers.due(3.0) == [SearchDue(1)]
    assert timers.next_at is None


def test_moot_timers_are_not_waited_for() -> None:
    moot: set[object] = set()
    timers = Timers(moot.__contains__)
    for at, sweep in ((1.0, 1), (2.0, 2), (3.0, 3)):
        timers.set(at, SearchDue(sweep))
    moot |= {SearchDue(1), SearchDue(3)}
    assert timers.next_at == 2.0
    assert timers.due(4.0) == [SearchDue(2)]
    assert timers.next_at is None


def test_times_are_microseconds_since_1970_in_every_time_zone() -> None:
    time = datetime(1970, 1, 2, 0, 0, 1, 5, tzinfo=UTC)
    assert microseconds(time) == 86_401_000_005
    assert microseconds(time.astimezone(timezone(timedelta(hours=2)))) == 86_401_000_005
