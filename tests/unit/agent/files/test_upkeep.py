"""Upkeep: threads that wait for the disk."""

import threading

import pytest

from sweepd_agent.files import upkeep


def test_a_write_in_progress_is_waited_for() -> None:
    with upkeep.disk_threads(1) as threads:
        held, begun = threading.Event(), threading.Event()

        def write() -> None:
            begun.set()
            held.wait(10)

        done = threads.submit(write)
        begun.wait(10)
        threading.Timer(0.02, held.set).start()
    assert done.done()


def test_a_hanging_disk_does_not_block_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_LAST_SECONDS", 0.02)
    held = threading.Event()
    with upkeep.disk_threads(1) as threads:
        done = threads.submit(held.wait, 60)
    assert not done.done()
    held.set()
