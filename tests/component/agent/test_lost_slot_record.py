"""The slot record of an active run is lost, as after a power failure."""

from __future__ import annotations

import sys

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from waiting import content_of, until

REPORTS_ITS_SLOT = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(os.environ["SWEEPD_SLOT"])
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
"""


def test_an_adopted_run_without_a_slot_record_continues_and_takes_a_slot(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("tell.py", REPORTS_ITS_SLOT)
    scheduler.add(sys.executable, "tell.py", "first")
    agent = machine.start()
    until((machine.folder / "first").exists)
    agent.kill()
    (machine.state / "runs" / "tune-1.1" / "place").unlink()
    agent = machine.start("--slots", "2")
    scheduler.until(lambda: len(scheduler.sessions) == 2 and scheduler.session().offered)
    assert len(agent.events("run_adopted")) == 1
    scheduler.add(sys.executable, "tell.py", "second")
    assert content_of(machine.folder / "second") == "1"
    (machine.folder / "enough").touch()
    scheduler.end_sweep()
    assert agent.ended() == 0
    assert [attempt.exits for attempt in scheduler.attempts] == [1, 1]
