"""Flows are served round robin, in portions of bounded weight."""

from __future__ import annotations

import threading

from sweepd_metric_store.writer import FairQueue


def queue_of(*waiting: tuple[str, str, int], max_items: int = 100, max_weight: int = 10) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(max_items=max_items, max_weight=max_weight)
    for flow, item, weight in waiting:
        queue.put(flow, item, weight)
    return queue


def test_flows_take_turns_and_keep_their_own_order() -> None:
    queue = queue_of(
        *(("flood", f"f{at}", 1) for at in range(5)), ("a", "a0", 1), ("b", "b0", 1), ("a", "a1", 1)
    )
    assert queue.take(0) == ["f0", "a0", "b0", "f1", "a1", "f2", "f3", "f4"]


def test_turns_continue_from_portion_to_portion() -> None:
    queue = queue_of(
        *(("flood", f"f{at}", 1) for at in range(4)), ("a", "a0", 1), ("b", "b0", 1), max_items=2
    )
    taken = [queue.take(0)]
    queue.put("c", "c0", 1)
    taken += [queue.take(0), queue.take(0)]
    assert taken == [["f0", "a0"], ["b0", "f1"], ["c0", "f2"]]


def test_a_portion_has_bounded_weight_unless_it_is_a_single_item() -> None:
    queue = queue_of(("a", "a0", 6), ("b", "b0", 4), ("c", "c0", 1), ("d", "huge", 99), ("e", "e0", 1))
    assert [queue.take(0) for _ in range(4)] == [["a0", "b0"], ["c0"], ["huge"], ["e0"]]


def test_take_returns_an_item_at_once_or_nothing_after_its_timeout() -> None:
    queue = queue_of()
    assert queue.take(0.01) == []
    taken: list[list[str]] = []
    taking = threading.Thread(target=lambda: taken.append(queue.take(30)))
    taking.start()
    queue.put("a", "a0", 1)
    taking.join(10)
    assert taken == [["a0"]]


def test_items_that_are_left_at_the_end_are_still_taken() -> None:
    queue = queue_of(("a", "a0", 10), ("a", "a1", 10))
    queue.close()
    assert not queue.ended
    assert [queue.take(30), queue.take(30), queue.take(30)] == [["a0"], ["a1"], []]
    assert queue.ended
