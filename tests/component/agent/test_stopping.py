"""Stopping processes by command or by verdict, together with their process trees."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from waiting import until

# Ignores SIGTERM, as does its child in a new session.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("grandchild", "w").write(str(os.getpid()))
        time.sleep(1000)
    os._exit(0)
open("ready", "w").close()
time.sleep(1000)
"""
POLITE = """
import signal, sys, time
def end(*_):
    print("saving", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, end)
open("ready", "w").close()
time.sleep(1000)
"""


def test_a_stopped_process_may_handle_sigterm(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("polite.py", POLITE)
    run = scheduler.add(sys.executable, "polite.py")
    machine.start("--count", "1")
    attempt = scheduler.attempt(run)
    until((machine.folder / "ready").exists)
    asked = time.monotonic()
    command = scheduler.stop_run(attempt, v1.STOP_MODE_TERMINATE)
    scheduler.ended(run)
    assert time.monotonic() - asked < 2
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_COMMANDED
    assert attempt.exit.exit.code == 7
    assert command in [result.command_id for result in scheduler.results if not result.error]
    scheduler.until(lambda: b"saving" in attempt.log)


def test_a_process_tree_that_ignores_sigterm_is_killed_after_the_grace_period(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("stubborn.py", STUBBORN)
    scheduler.stop_grace = 1.0
    run = scheduler.add(sys.executable, "stubborn.py")
    machine.start("--count", "1")
    attempt = scheduler.attempt(run)
    until((machine.folder / "ready").exists)
    until((machine.folder / "grandchild").exists)
    asked = time.monotonic()
    scheduler.stop_run(attempt, v1.STOP_MODE_TERMINATE)
    scheduler.ended(run)
    assert 0.9 < time.monotonic() - asked < 4
    assert attempt.exit is not None
    assert attempt.exit.exit.signal == signal.SIGKILL
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_COMMANDED
    until(lambda: not machine.processes())


@pytest.mark.parametrize("how", ["kill", "fence"])
def test_killed_and_fenced_process_trees_end_at_once(
    scheduler: ScriptedScheduler, machine: Machine, how: str
) -> None:
    machine.write("stubborn.py", STUBBORN)
    run = scheduler.add(sys.executable, "stubborn.py")
    agent = machine.start("--no-context")
    attempt = scheduler.attempt(run)
    until((machine.folder / "ready").exists)
    until((machine.folder / "grandchild").exists)
    if how == "kill":
        scheduler.stop_run(attempt, v1.STOP_MODE_KILL)
    else:
        scheduler.fence(attempt)
    until(lambda: machine.processes() == [agent.process.pid], within=2)
    if how == "fence":
        assert agent.events("fenced")
        until(lambda: not list((machine.state / "runs").iterdir()))
        assert attempt.exit is None


def test_a_fenced_slot_is_free_again_and_the_others_continue(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("polite.py", POLITE)
    agent = machine.start("--slots", "2")
    first = scheduler.attempt(_added(scheduler))
    second = scheduler.attempt(_added(scheduler))
    scheduler.until(lambda: first.pid and second.pid)
    scheduler.fence(first)
    third = scheduler.attempt(_added(scheduler))
    scheduler.until(lambda: third.pid)
    os.kill(second.pid, 0)
    assert len(agent.events("fenced")) == 1


def _added(scheduler: ScriptedScheduler) -> str:
    return scheduler.add(sys.executable, "polite.py")


def test_processes_that_a_run_leaves_behind_end_with_it(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write(
        "leaving.py", STUBBORN.replace('time.sleep(1000)\n"', "").replace("\ntime.sleep(1000)\n", "\n")
    )
    run = scheduler.add(sys.executable, "leaving.py")
    agent = machine.start("--no-context")
    attempt = scheduler.ended(run)
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 0
    assert machine.processes() == [agent.process.pid]


def test_a_run_ended_by_an_external_signal_counts_as_failed(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    run = scheduler.add("sleep", "1000")
    machine.start()
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: attempt.pid)
    os.kill(attempt.pid, signal.SIGSEGV)
    scheduler.ended(run)
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_SIGNALED
    assert attempt.exit.exit.signal == signal.SIGSEGV


def test_an_unknown_attempt_cannot_be_stopped(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agent = machine.start()
    ref = v1.AttemptRef(run_handle=77, attempt=3)
    scheduler.session().send(stop_run=v1.StopRun(command_id=9, attempt=ref, mode=v1.STOP_MODE_KILL))
    scheduler.until(lambda: any(result.command_id == 9 and result.error for result in scheduler.results))
    agent.ask(signal.SIGTERM)
    assert agent.ended() == 0
