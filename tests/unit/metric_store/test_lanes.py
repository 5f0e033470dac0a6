"""What waits is taken in turn, in parts of a bounded weight."""

from __future__ import annotations

import threading

from sweepd_metric_store.lanes import Lanes


def lanes_of(*waiting: tuple[str, str, int], most_items: int = 100, most_weight: int = 10) -> Lanes[str]:
    lanes: Lanes[str] = Lanes(most_items=most_items, most_weight=most_weight)
    for lane, item, weight in waiting:
        lanes.put(lane, item, weight)
    return lanes


def test_a_lane_waits_for_one_item_of_each_other_and_keeps_its_own_order() -> None:
    lanes = lanes_of(
        *(("flood", f"f{at}", 1) for at in range(5)), ("a", "a0", 1), ("b", "b0", 1), ("a", "a1", 1)
    )
    assert lanes.take(0) == ["f0", "a0", "b0", "f1", "a1", "f2", "f3", "f4"]


def test_turns_go_on_from_part_to_part() -> None:
    lanes = lanes_of(
        *(("flood", f"f{at}", 1) for at in range(4)), ("a", "a0", 1), ("b", "b0", 1), most_items=2
    )
    lanes_taken = [lanes.take(0)]
    lanes.put("c", "c0", 1)
    lanes_taken += [lanes.take(0), lanes.take(0)]
    assert lanes_taken == [["f0", "a0"], ["b0", "f1"], ["c0", "f2"]]


def test_a_part_weighs_no_more_than_it_may_unless_one_item_does() -> None:
    lanes = lanes_of(("a", "a0", 6), ("b", "b0", 4), ("c", "c0", 1), ("d", "huge", 99), ("e", "e0", 1))
    assert [lanes.take(0) for _ in range(4)] == [["a0", "b0"], ["c0"], ["huge"], ["e0"]]


def test_nothing_is_waited_for_no_longer_than_said_and_something_comes_at_once() -> None:
    lanes = lanes_of()
    assert lanes.take(0.01) == []
    taken: list[list[str]] = []
    taking = threading.Thread(target=lambda: taken.append(lanes.take(30)))
    taking.start()
    lanes.put("a", "a0", 1)
    taking.join(10)
    assert taken == [["a0"]]


def test_what_is_left_at_the_end_is_still_taken() -> None:
    lanes = lanes_of(("a", "a0", 10), ("a", "a1", 10))
    lanes.close()
    assert not lanes.over
    assert [lanes.take(30), lanes.take(30), lanes.take(30)] == [["a0"], ["a1"], []]
    assert lanes.over
