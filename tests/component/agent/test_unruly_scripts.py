"""Scripts that damage their own run folder: the agent and its other runs continue."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from waiting import until

REMOVES_ITS_FOLDER = """
import os, shutil, time
with open(os.environ["SWEEPD_METRICS_FILE"], "a") as rows:
    rows.write('{"loss": 1}\\n' * 50)
    rows.flush()
    time.sleep(0.2)
    rows.write('{"loss": 1}\\n' * 50)
while os.path.exists(os.environ["SWEEPD_RUN_DIR"]):  # the agent may write a file into it meanwhile
    shutil.rmtree(os.environ["SWEEPD_RUN_DIR"], ignore_errors=True)
time.sleep(0.3)
open("done", "w")
"""
LOGS_INTO_A_FOLDER = """
import os, pathlib, time
os.mkdir(os.environ["SWEEPD_METRICS_FILE"])
pathlib.Path("made").touch()
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
raise SystemExit(7)
"""


def test_a_removed_run_folder_fails_that_run_alone(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("unruly.py", REMOVES_ITS_FOLDER)
    first, second = scheduler.add(sys.executable, "unruly.py"), scheduler.add("true")
    agent = machine.start("--count", "2")
    ended = scheduler.ended(first)
    assert (machine.folder / "done").exists()
    assert ended.exit is not None
    assert ended.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED
    scheduler.ended(second)
    assert agent.ended() == 0


def test_a_run_whose_rows_cannot_be_read_is_not_reported_as_ended(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("unruly.py", LOGS_INTO_A_FOLDER)
    run = scheduler.add(sys.executable, "unruly.py")
    agent = machine.start("--count", "1")
    until((machine.folder / "made").exists)
    time.sleep(0.3)  # several checks of the file, after which nothing has happened
    attempt = scheduler.attempt(run)
    assert not attempt.exits
    os.kill(attempt.pid, 0)
    (machine.folder / "enough").touch()
    assert scheduler.ended(run).exit is not None
    assert attempt.exit is not None
    assert (attempt.exit.exit.cause, attempt.exit.exit.code) == (v1.EXIT_CAUSE_EXITED, 7)
    assert agent.ended() == 0


def test_output_that_cannot_be_written_ends_no_run(scheduler: ScriptedScheduler, machine: Machine) -> None:
    run = scheduler.add("sh", "-c", "echo said; sleep 0.2; exit 7")
    agent = machine.start("--count", "1", "--show-output", stdout=Path("/dev/full"))
    ended = scheduler.ended(run)
    assert ended.exit is not None
    assert ended.exit.exit.code == 7
    assert agent.ended() == 0


def test_a_stalled_reader_of_the_output_delays_no_run(scheduler: ScriptedScheduler, machine: Machine) -> None:
    """Rows, heartbeats and the next run continue while a pager waits for its user."""
    pipe = machine.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # which reads nothing
    talk = 'head -c 1000000 /dev/zero | tr "\\0" x; echo \'{"loss": 1}\' >> "$SWEEPD_METRICS_FILE"; sleep 0.3'
    first, second = scheduler.add("sh", "-c", talk), scheduler.add("true")
    agent = machine.start("--count", "2", "--show-output", stdout=pipe)
    assert scheduler.ended(first).observations
    scheduler.ended(second)
    assert agent.ended() == 0
    os.close(reader)
