"""P20: events that end a trial, and events that must not."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from processes import alive
from system.installation import Agent, Installation
from system.promises import SHORT, acknowledged, attempts, number, runs, state_of, sweep
from waiting import content_of, until

# Early termination stops runs worse than the best of three at their second iteration.
STOPPED = """
early_terminate: {type: hyperband, min_iter: 2, eta: 3, strict: true}
"""


def started(agent: Agent, count: int = 1) -> list[dict[str, object]]:
    """Return the runs that an agent has started, once there are `count`."""
    until(lambda: len(agent.events("run_started")) >= count, what="runs start")
    return agent.events("run_started")


def test_a_verdict_sends_sigterm_within_5_s_and_sigkill_follows(installation: Installation) -> None:
    """P20: SIGTERM to the process group; processes that ignore it get SIGKILL after the grace period."""
    installation.start_server(*SHORT)
    name = installation.create(sweep("ranked.py", runs=3) + STOPPED)
    agent = installation.start_agent(name, "--slots", "3")
    events = started(agent, 3)
    until(lambda: agent.events("command"), what="a stop")
    command = agent.events("command")[0]
    assert (command["command"], command["mode"]) == ("stop", "terminate")
    pid = next(number(event, "run_pid") for event in events if event["run"] == command["run"])
    terminated = installation.work / f"terminated-{int(pid)}"
    assert float(content_of(terminated, within=5)) - number(command, "mono") < 5
    until(lambda: not alive(pid), within=5)
    until(lambda: state_of(installation, str(command["run"])) == "stopped")


@pytest.mark.slow
def test_a_trial_that_ignores_sigterm_is_killed_30_s_later(installation: Installation) -> None:
    """P20: the default grace period of a stop."""
    installation.start_server(*SHORT)
    name = installation.create(sweep("ranked.py", runs=3, deaf=1) + STOPPED)
    agent = installation.start_agent(name, "--slots", "3")
    events = started(agent, 3)
    until(lambda: agent.events("command"), what="a stop")
    command = agent.events("command")[0]
    pid = next(number(event, "run_pid") for event in events if event["run"] == command["run"])
    until(lambda: not alive(pid), within=45)
    assert 29 < time.monotonic() - number(command, "mono") < 33


def test_cancel_kills_all_processes_of_a_run_immediately(installation: Installation) -> None:
    """P20: a trial that ignores SIGTERM and its child in another session have ended when `cancel` returns."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("stubborn.py", runs=2))
    agent = installation.start_agent(name, "--slots", "2")
    started(agent, 2)
    until(lambda: len(acknowledged([agent])) == 2)
    began = time.monotonic()
    installation.ctl("cancel", name, "--yes")
    assert time.monotonic() - began < 5
    assert agent.process.wait(10) == 0, agent.log()[-2000:]
    services = {server.process.pid, *server.service_pids().values()}
    until(lambda: set(installation.processes()) == services, within=2)
    assert {run["state"] for run in runs(installation, name)} == {"killed"}


def test_a_disconnected_agent_receives_a_cancel_when_it_reconnects(installation: Installation) -> None:
    """P20: the command is not lost; the trial ends once its agent is back."""
    installation.start_server("--lease", "2s", "--lost-after", "60s")
    name = installation.create(sweep("stubborn.py"))
    agent = installation.start_agent(name, state="agent")
    (run,) = started(agent)
    agent.process.kill()
    agent.process.wait()
    named = installation.ctl("cancel", name, "--yes", code=None)
    assert str(run["run"]) in named.stderr
    assert alive(number(run, "run_pid"))
    again = installation.start_agent(name, state="agent")
    until(lambda: not alive(number(run, "run_pid")), within=10)
    assert again.process.wait(20) == 0, again.log()[-2000:]
    assert [run["state"] for run in runs(installation, name)] == ["killed"]


def test_no_error_status_ends_a_trial(installation: Installation) -> None:
    """P20: a server without its data refuses sweep and token; the trial continues to its end."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name, "--grace", "1s")
    (run,) = started(agent)
    until(lambda: acknowledged([agent]))
    assert server.stop() == 0
    shutil.rmtree(server.data)
    empty = installation.start_server(*SHORT, listen=server.address)
    until(lambda: len(agent.events("connected")) >= 2, within=60, what="the agent is let in again")
    assert alive(number(run, "run_pid"))
    (installation.work / "release").touch()
    until(lambda: agent.events("run_ended"))
    assert agent.events("run_ended")[0]["exit_code"] == 0
    agent.process.send_signal(signal.SIGTERM)
    agent.process.wait(20)
    folders = list(Path(installation.folder, "state").rglob("metrics.jsonl"))
    assert len(folders) == 1  # kept for the server that has the sweep
    assert empty.stop() == 0


def test_a_pause_survives_a_kill_of_the_scheduler(installation: Installation) -> None:
    """P19, P20: a live trial continues, and no new run starts until `resume`."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=12, seconds=0.1))
    agent = installation.start_agent(name)
    started(agent, 2)
    installation.ctl("pause", name)
    os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
    handed_out = len(agent.events("run_started"))
    until(lambda: len(agent.events("connected")) >= 2)
    until(lambda: len(agent.events("result_acked")) >= handed_out)
    later = installation.start_agent(name, "--count", "1")
    until(lambda: later.events("connected"))
    assert len(agent.events("run_started")) - handed_out <= 1  # one hand-out may have been in progress
    until(lambda: {run["state"] for run in runs(installation, name)} == {"finished"})
    assert not later.events("run_started")
    installation.ctl("resume", name)
    installation.ctl("wait", name, "--timeout", "60s")
    for run in runs(installation, name):  # a hand-out lost with the scheduler is not charged
        assert [state for _, state in attempts(run)] in (["ended"], ["returned", "ended"])
