"""Resource usage of process trees, from two samples."""

from __future__ import annotations

from sweepd_agent.context.sampler import (
    Device,
    Process,
    Tree,
    busy,
    children_of,
    device_figures,
    percent,
    tree,
)


def a_process(parent: int, used: float = 1.0, memory: int = 10, threads: int = 1) -> Process:
    return Process(parent=parent, used=used, memory=memory, threads=threads)


def test_a_tree_has_all_descendants_of_its_roots() -> None:
    found = {
        1: a_process(0),
        10: a_process(1),
        11: a_process(10, 2.0),
        12: a_process(11, 0.5),
        20: a_process(1),
    }
    assert tree([10], found, children_of(found)) == Tree(used=3.5, memory=30, threads=3)
    assert tree([11, 12], found, children_of(found)) == Tree(used=2.5, memory=20, threads=2)
    assert tree([99], found, children_of(found)) is None


def test_a_tree_that_is_ending_gives_no_sample() -> None:
    """Such a sample would show no memory for a run that the kernel has killed for its memory."""
    found = {10: a_process(1, memory=0), 11: a_process(10, memory=0)}
    assert tree([10], found, children_of(found)) is None
    found[11] = a_process(10, memory=5)
    of_tree = tree([10], found, children_of(found))
    assert of_tree is not None
    assert of_tree.memory == 5


def test_a_cycle_of_stale_parents_ends_the_walk() -> None:
    found = {10: a_process(11), 11: a_process(10)}
    of_tree = tree([10], found, children_of(found))
    assert of_tree is not None
    assert of_tree.threads == 2


def test_shares_are_reported_only_where_they_are_known() -> None:
    assert percent(1.0, 2.5, 1.0) == 150.0
    assert percent(1.0, 1.0, 1.0) == 0.0
    assert percent(3.0, 1.0, 1.0) is None, "the process that had used most has ended"
    assert percent(1.0, 1.0, 0.0) is None
    assert busy((10, 100), (60, 200)) == 50.0
    assert busy((10, 100), (10, 100)) is None


def test_values_that_the_driver_does_not_have_are_left_out() -> None:
    printed = (
        "0, GPU-1, 97, 40123, 40960, 61, 250.35\n"
        "1, GPU-2, [N/A], 12, 15360, [Not Supported], [N/A]\n"
        "malformed\n"
    )
    assert device_figures(printed) == {
        "0": Device(
            id="GPU-1",
            figures={
                "utilization": 97.0,
                "memory": 40123.0 * 2**20,
                "memory_total": 40960.0 * 2**20,
                "temperature": 61.0,
                "power": 250.35,
            },
        ),
        "1": Device(id="GPU-2", figures={"memory": 12.0 * 2**20, "memory_total": 15360.0 * 2**20}),
    }
