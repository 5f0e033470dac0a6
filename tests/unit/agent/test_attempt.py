"""Complaints about files of an attempt, in the log of its run, which ends with the run."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from sweepd_agent.attempt import Attempt
from sweepd_agent.core.attempt import Assignment, AttemptKey, Exit, ExitCause
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.state_folder import StateFolder
from sweepd_agent.log import Log
from sweepd_agent.process.record import write_record
from sweepd_agent.process.supervised import Supervised
from sweepd_agent.process.supervisor import EXIT_FILE
from sweepd_agent.surroundings import Home, Surroundings

EXIT = Exit(cause=ExitCause.EXITED, code=0, signal=None, message="", time=1.0)


def attempt(path: Path) -> Attempt:
    """Return an attempt whose script has printed a line."""
    (path / "output.log").write_text("done\n")
    around = Surroundings(
        folder=cast(StateFolder, None),
        environ={},
        log=Log(io.StringIO(), as_json=False),
        recorder=None,
        processes=Supervised(),
        spool_limit=2**20,
        disk=cast(ThreadPoolExecutor, None),
        monotonic=time.monotonic,
        wall_clock=time.time,
    )
    assignment = Assignment(
        key=AttemptKey("local/demo/tune-1", 1),
        sweep="local/demo/tune",
        number=1,
        params={},
        command=("true",),
        program="",
        watched_keys=(),
        rungs=frozenset(),
        stop_grace=1.0,
        lost_after=1.0,
        assigned_time=0.0,
    )
    return Attempt(assignment, AttemptFolder(path), around, cast(Home, None))


def leave_a_fifo(path: Path) -> None:
    (path / "files").mkdir()
    os.mkfifo(path / "files" / "odd")


@pytest.mark.parametrize("ended", [False, True])
def test_the_log_does_not_grow_once_the_end_is_reported(tmp_path: Path, *, ended: bool) -> None:
    ours = attempt(tmp_path)
    if ended:
        ours.finish(EXIT)
    leave_a_fifo(tmp_path)
    ours.feed.files.look(ended=True)
    log = (tmp_path / "output.log").read_text()
    assert ("odd is a FIFO" in log) is not ended


def test_the_log_of_a_process_that_ended_before_its_adoption_does_not_grow(tmp_path: Path) -> None:
    write_record(str(tmp_path / EXIT_FILE), {"code": 0})
    leave_a_fifo(tmp_path)
    ours = attempt(tmp_path)
    found = ours.find_process()
    assert found is not None
    assert not found.alive
    assert (tmp_path / "output.log").read_text() == "done\n"
