"""Trials whose agent and supervisor are killed at once leave no process behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from component.agent.agent_processes import AgentProcess, Machine
from component.agent.handed_out import Attempt
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from sweepd_agent.process.record import read_record
from waiting import until

# Writes its process id into the folder `pids`, and keeps running.
MEMBER = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(f"pids/{os.getpid()}", "x"):
    time.sleep(600)
"""
# Starts a child in a new session; on request also an orphan without any environment.
FAMILY = """
import ctypes, os, subprocess, sys
member = [sys.executable, "member.py"]
if "cleared" in sys.argv:  # as a program does that gains privileges
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
if "detaches" in sys.argv:
    leave = f"import subprocess; subprocess.Popen({member}, start_new_session=True, env={{}})"
    subprocess.run([sys.executable, "-c", leave], start_new_session=True)
subprocess.Popen(member, start_new_session=True)
os.execv(sys.executable, member)
"""


@pytest.fixture(autouse=True)
def nothing_is_left(machine: Machine) -> Iterator[None]:
    """Kill what a failed test has left, which may lack the mark in its environment."""
    (machine.folder / "pids").mkdir()
    yield
    for pid in living(members(machine)):
        os.kill(pid, signal.SIGKILL)


def members(machine: Machine) -> list[int]:
    """Return the ids of trial and descendants."""
    return [int(file.name) for file in (machine.folder / "pids").iterdir()]


def started(
    scheduler: ScriptedScheduler, machine: Machine, *ways: str, count: int
) -> tuple[Attempt, list[int]]:
    """Start such a trial; return the ids of all its processes."""
    machine.write("member.py", MEMBER)
    machine.write("family.py", FAMILY)
    attempt = scheduler.attempt(scheduler.add(sys.executable, "family.py", *ways))
    until(lambda: len(members(machine)) == count, what="all of them run")
    return attempt, members(machine)


def identity(machine: Machine) -> dict[str, str]:
    """Return a supervisor's record of itself and its process."""
    (file,) = (machine.state / "runs").glob("*/process")
    record = read_record(str(file))
    assert record is not None
    return record


def kill_together(agent: AgentProcess, *others: int) -> None:
    """Kill an agent and others while none of them can act."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in (agent.process.pid, *others):
            os.kill(pid, number)
    agent.process.wait()


def living(pids: list[int]) -> list[int]:
    """Return those of these processes that are alive."""
    found = []
    for pid in pids:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                found.append(pid)
    return found


@pytest.mark.parametrize("ways", [(), ("cleared",)], ids=["as it is", "death signal cleared"])
@pytest.mark.parametrize("flags", [(), ("--no-adopt",)], ids=["adoption", "no adoption"])
def test_no_process_of_a_trial_survives_its_agent_and_supervisor(
    scheduler: ScriptedScheduler, machine: Machine, ways: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    agent = machine.start("--no-context", *flags)
    _, pids = started(scheduler, machine, "detaches", *ways, count=3)
    kill_together(agent, int(identity(machine)["supervisor"]))
    until(lambda: not living(pids), within=2)
    until(lambda: not machine.processes(), within=2, what="the watchdog ends, too")


def test_a_run_without_its_supervisor_has_ended_once_all_its_processes_have(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-context", "--count", "1")
    attempt, pids = started(scheduler, machine, "cleared", "detaches", count=3)
    os.kill(int(identity(machine)["supervisor"]), signal.SIGKILL)
    scheduler.ended(attempt.run)
    assert not living(pids)
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED
    assert agent.ended() == 0


def test_a_trial_dies_even_with_the_watchdog_and_a_restarted_agent_ends_the_rest(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-context")
    attempt, pids = started(scheduler, machine, count=2)
    of_run = identity(machine)
    kill_together(agent, int(of_run["supervisor"]), int(of_run["watchdog"]))
    until(lambda: int(of_run["pid"]) not in living(pids), within=2)
    assert living(pids)  # no process that could notice is left
    second = machine.start("--count", "1", "--no-context")
    until(lambda: second.events("connected"))
    assert not living(pids)
    scheduler.ended(attempt.run)
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED
    assert second.ended() == 0


def test_a_supervisor_without_its_watchdog_ends_its_run(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-context", "--count", "1")
    attempt, pids = started(scheduler, machine, "cleared", "detaches", count=3)
    os.kill(int(identity(machine)["watchdog"]), signal.SIGKILL)
    scheduler.ended(attempt.run)
    assert not living(pids)
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED
    assert attempt.exit.exit.message == "its supervisor's watchdog was killed"
    assert agent.ended() == 0
    assert not machine.processes()
