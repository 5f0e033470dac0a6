"""Two databases belong together as long as each has had the position that the other remembers of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd_kernel.pairing.comparison import (
    COPY_SKEW,
    Database,
    DelayedPositions,
    Fault,
    Generation,
    Peer,
    Position,
    mismatch,
)

EVENTS = ("scheduler", "store", "meet", "half", "kill scheduler", "kill store")


def database(name: str, *generations: tuple[str, int], peer: Peer | None = None, place: str = "") -> Database:
    return Database(
        id=name,
        place=place or name,
        number=generations[-1][1] if generations else 0,
        generations=tuple(Generation(token, last) for token, last in generations),
        peer=peer,
    )


def fault(scheduler: Database, metrics: Database) -> Fault | None:
    found = mismatch(scheduler, metrics)
    return None if found is None else found.fault


S = database("s", ("a", 10), ("b", 20), peer=Peer("m", Position("x", 5)))
M = database("m", ("x", 7), peer=Peer("s", Position("b", 15)))


def test_databases_that_remember_each_other_belong_together() -> None:
    assert mismatch(S, M) is None


def test_databases_without_a_peer_belong_together() -> None:
    assert mismatch(database("s", ("a", 10)), database("m")) is None
    assert mismatch(database("s"), database("m")) is None


def test_a_crash_between_the_two_that_remember_is_no_fault() -> None:
    assert mismatch(replace(S, peer=None), M) is None
    assert mismatch(S, replace(M, peer=None)) is None


@pytest.mark.parametrize(
    ("scheduler", "metrics", "expected"),
    [
        (database("new"), M, Fault.SCHEDULER_NEW),
        (database("new", ("n", 3)), M, Fault.SCHEDULER_NEW),
        (S, database("new"), Fault.METRICS_NEW),
        (replace(S, id="other"), M, Fault.OTHER_PEER),
        (S, replace(M, id="other"), Fault.OTHER_PEER),
        (database("s", ("a", 10), ("b", 14), peer=S.peer), M, Fault.SCHEDULER_OLDER),
        (database("s", ("a", 10), peer=S.peer), M, Fault.SCHEDULER_OLDER),
        (S, database("m", ("x", 4), peer=M.peer), Fault.METRICS_OLDER),
        (S, database("m", peer=Peer("s")), Fault.METRICS_OLDER),
    ],
)
def test_each_kind_of_mismatch_is_distinguished(
    scheduler: Database, metrics: Database, expected: Fault
) -> None:
    assert fault(scheduler, metrics) is expected


def test_an_older_copy_that_has_continued_is_recognized() -> None:
    forked = database("s", ("a", 10), ("b", 12), ("c", 99), peer=S.peer)
    assert fault(forked, M) is Fault.SCHEDULER_OLDER
    continued = database("m", ("x", 3), ("y", 99), peer=M.peer)
    assert fault(S, continued) is Fault.METRICS_OLDER


def test_an_empty_database_matches_a_peer_that_loses_nothing() -> None:
    assert mismatch(database("new"), database("m", peer=Peer("gone"))) is None
    assert mismatch(database("s", ("a", 3), peer=Peer("gone")), database("new")) is None


def test_the_message_names_both_files_and_the_remedy() -> None:
    message = str(mismatch(replace(S, id="new", peer=None, place="/d/s"), replace(M, place="/d/m")))
    assert message.startswith("/d/s is new, but /d/m has the points of its predecessor: stop the server")
    assert "sweepd pair" in message
    assert len(message) < 500


def test_a_position_is_remembered_once_it_is_older_than_the_copy_skew() -> None:
    delayed = DelayedPositions()
    delayed.add(Position("a", 1), 0.0)
    assert delayed.due(COPY_SKEW - 0.1) is None
    assert delayed.due(COPY_SKEW) == Position("a", 1)
    assert delayed.due(COPY_SKEW) is None
    delayed.add(Position("a", 2), 10.0)
    assert delayed.due(10.0, at_once=True) == Position("a", 2)


@given(st.lists(st.floats(0.01, 3.0), max_size=200))
def test_a_remembered_position_is_older_than_the_copy_skew_and_few_wait(steps: list[float]) -> None:
    delayed, now = DelayedPositions(), 0.0
    times: dict[int, float] = {}
    for number, step in enumerate(steps, 1):
        now += step
        times[number] = now
        delayed.add(Position("a", number), now)
        due = delayed.due(now)
        assert due is None or now - times[due.number] >= COPY_SKEW
        assert len(delayed._waiting) <= COPY_SKEW + 3


@given(st.data())
def test_crashes_and_copies_within_the_copy_skew_are_no_mismatch(data: st.DataObject) -> None:
    """Both commit, remember and start in any order; copies at most `COPY_SKEW` apart belong together."""
    schedulers = [database("s")]
    stores = [database("m")]
    at_scheduler, at_store = DelayedPositions(), DelayedPositions()
    now, times = 0.0, [0.0]
    for _ in range(data.draw(st.integers(0, 60))):
        scheduler, store = schedulers[-1], stores[-1]
        now += data.draw(st.floats(0.0, 2.0))
        match data.draw(st.sampled_from(EVENTS)):
            case "scheduler":
                scheduler = committed(scheduler)
            case "store":
                store = committed(store)
            case "kill scheduler":
                at_scheduler = DelayedPositions()
                scheduler = replace(
                    scheduler, generations=(*scheduler.generations, Generation(f"s{now}", scheduler.number))
                )
            case "kill store":
                at_store = DelayedPositions()
                store = replace(store, generations=(*store.generations, Generation(f"m{now}", store.number)))
            case kind:
                assert mismatch(scheduler, store) is None
                at_store.add(scheduler.position, now)
                store = remembering(store, "s", at_store.due(now))
                if kind == "meet":
                    at_scheduler.add(store.position, now)
                    scheduler = remembering(scheduler, "m", at_scheduler.due(now))
        schedulers.append(scheduler)
        stores.append(store)
        times.append(now)
    first = data.draw(st.integers(0, len(times) - 1))
    near = [at for at, time in enumerate(times) if abs(time - times[first]) < COPY_SKEW]
    second = data.draw(st.sampled_from(near))
    assert mismatch(schedulers[first], stores[second]) is None


def committed(before: Database) -> Database:
    number = before.number + 1
    last = before.generations[-1].token if before.generations else before.id
    return replace(before, number=number, generations=(*before.generations[:-1], Generation(last, number)))


def remembering(before: Database, peer: str, due: Position | None) -> Database:
    if due is None and before.peer is not None:
        return before
    return replace(before, peer=Peer(peer, due))
