"""Agents do not wait for ever: they end with the sweep, or after `--count` runs."""

from __future__ import annotations

import time

from system.installation import Installation
from system.promises import state_of
from system.test_early_termination import GOOD, SOONEST_HEARTBEAT, planned
from waiting import until


def test_a_waiting_agent_ends_with_the_sweep(installation: Installation) -> None:
    """One agent has the only run; the other two wait."""
    installation.start_server()
    name = planned(installation, {0: {"steps": [0.5, "go", 0.4]}}, "metric: {name: loss}\n")
    busy = installation.start_agent(name)
    until(lambda: busy.events("run_started"), what="the run starts")
    waiting = [installation.start_agent(name) for _ in range(2)]
    until(lambda: all(agent.events("connected") for agent in waiting), what="the others are connected")
    assert [agent.process.poll() for agent in waiting] == [None, None]
    installation.write("go", "")
    until(lambda: state_of(installation, name) == "finished", what="the sweep is finished")
    began = time.monotonic()
    assert [agent.process.wait(30) for agent in (busy, *waiting)] == [0, 0, 0]
    assert time.monotonic() - began < SOONEST_HEARTBEAT, "they are notified"


def test_the_flag_count_ends_the_agent_but_not_the_sweep(installation: Installation) -> None:
    installation.start_server()
    name = planned(installation, {0: GOOD, 1: GOOD, 2: GOOD}, "metric: {name: loss}\n")
    assert installation.start_agent(name, "--count", "2").process.wait(60) == 0
    assert state_of(installation, name) == "running"
    assert [run["state"] for run in installation.export(name, "run")] == ["finished", "finished"]
    assert installation.start_agent(name).process.wait(60) == 0
    assert state_of(installation, name) == "finished"
