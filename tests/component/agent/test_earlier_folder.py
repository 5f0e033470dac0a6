"""Folders that an agent of version 0.1.0 has left: without places, repeats or parameters as YAML."""

from __future__ import annotations

import json
import sys

from component.agent.agent_processes import Machine
from component.agent.handed_out import Attempt
from component.agent.scripted_scheduler import ScriptedScheduler
from waiting import until, written

# As it stood on the disk, but for the command.
ASSIGNMENT = """{"key": ["local/demo/tune-1", 1], "sweep": "local/demo/tune", "number": 1, \
"params": {"lr": 0.1}, "program": "", "command": %s, "watched_keys": ["loss"], "rungs": [3, 9], \
"stop_grace": 30.0, "lost_after": 60.0, "assigned_time": 1790000000.0}"""
TELL = """
import os, pathlib, sys, time
names = ("SWEEPD_SLOT", "SWEEPD_REPEAT")
told = [os.environ[name] for name in names]
told.append(pathlib.Path(os.environ["SWEEPD_SWEEP_PARAM_PATH"]).read_text())
pathlib.Path(sys.argv[1]).write_text("|".join(told))
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
"""


def test_a_run_that_was_handed_out_to_it_is_started(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("tell.py", TELL)
    (machine.folder / "enough").touch()
    folder = machine.state / "runs" / "tune-1.1"
    folder.mkdir(parents=True)
    (folder / "params.json").write_text('{"lr": 0.1}\n')
    (folder / "assignment.json").write_text(ASSIGNMENT % json.dumps([sys.executable, "tell.py", "told"]))
    attempt = Attempt(run="local/demo/tune-1", number=1)
    scheduler.attempts.append(attempt)
    assert machine.start("--count", "1").ended() == 0
    assert (machine.folder / "told").read_text() == '0|0|"lr": {value: 0.1}\n'
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 0


def test_a_run_that_is_under_way_continues_and_takes_a_slot(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("tell.py", TELL)
    command = (sys.executable, "tell.py", "first")
    scheduler.add(*command)
    agent = machine.start()
    until((machine.folder / "first").exists)
    agent.kill()
    folder = machine.state / "runs" / "tune-1.1"
    (folder / "place").unlink()
    (folder / "params.yaml").unlink()
    (folder / "assignment.json").write_text(ASSIGNMENT % json.dumps(command))
    scheduler.attempts[0].secret = b""
    agent = machine.start("--slots", "2")
    scheduler.until(lambda: len(scheduler.sessions) == 2 and scheduler.session().offered)
    assert len(agent.events("run_adopted")) == 1
    scheduler.add(sys.executable, "tell.py", "second")
    assert written(machine.folder / "second").startswith("1|0|")
    (machine.folder / "enough").touch()
    scheduler.end_sweep()
    assert agent.ended() == 0
    assert [attempt.exits for attempt in scheduler.attempts] == [1, 1]
