"""Descriptors of processes are opened for the recorded process only."""

from __future__ import annotations

import os
import threading

from sweepd_agent.process.pidfd import open_process
from sweepd_agent.process.proc import start_ticks


def test_the_recorded_process_is_opened() -> None:
    pidfd = open_process(os.getpid(), start_ticks(os.getpid()))
    assert pidfd is not None
    os.close(pidfd)


def test_another_process_with_the_same_id_is_not_opened() -> None:
    assert open_process(os.getpid(), 0) is None


def test_a_thread_that_now_has_the_id_is_not_opened() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        assert open_process(thread.native_id, 0) is None
    finally:
        done.set()
        thread.join()


def test_an_id_that_no_process_can_have_is_not_opened() -> None:
    assert open_process(2**31, 0) is None
