"""Agents without a run log the reason immediately."""

from __future__ import annotations

import pytest

from system.installation import Agent, Installation
from system.test_early_termination import planned
from waiting import until

LOSS = "metric: {name: loss}\n"


def reasons(agent: Agent) -> list[object]:
    return [event["reason"] for event in agent.events("withheld")]


def test_an_agent_of_a_paused_sweep_logs_the_pause_and_its_end(installation: Installation) -> None:
    installation.join_server()
    name = planned(installation, {0: {"steps": [0.5]}}, LOSS)
    installation.ctl("pause", name)
    agent = installation.start_agent(name)
    until(lambda: reasons(agent), what="the agent says why it waits")
    (event,) = agent.events("withheld")
    assert (event["sweep"], event["reason"]) == (name, "paused")
    assert event["message"] == f"it is paused (paused by a person); resume it: sweepctl resume {name}"
    installation.ctl("resume", name)
    assert agent.process.wait(60) == 0
    assert reasons(agent) == ["paused", None]


def test_a_waiting_agent_is_notified_of_a_later_pause(installation: Installation) -> None:
    """Another agent has the only run."""
    installation.join_server()
    name = planned(installation, {0: {"steps": [0.5, "go", 0.4]}}, LOSS)
    busy = installation.start_agent(name)
    until(lambda: busy.events("run_started"), what="the run starts")
    waiting = installation.start_agent(name)
    until(lambda: reasons(waiting) == ["ending"], what="it says that no run is left")
    installation.ctl("pause", name)
    until(lambda: reasons(waiting) == ["ending", "paused"], what="it says that the sweep is paused")
    installation.ctl("resume", name)
    until(lambda: reasons(waiting)[2:] == ["ending"], what="it says again that no run is left")
    installation.write("go", "")
    assert [agent.process.wait(60) for agent in (busy, waiting)] == [0, 0]
    assert reasons(busy) == []


@pytest.mark.parametrize("slots", [1, 2])
def test_other_agents_log_that_they_wait_for_the_canary(installation: Installation, slots: int) -> None:
    installation.join_server()
    plan: dict[int, dict[str, object]] = {0: {"steps": ["go", 0.5]}, 1: {"steps": [0.5]}}
    name = planned(installation, plan, f"{LOSS}canary: true\n")
    first = installation.start_agent(name, "--slots", str(slots))
    until(lambda: first.events("run_started"), what="the canary starts")
    if slots == 1:
        second = installation.start_agent(name)
        until(lambda: reasons(second) == ["canary"], what="the other agent says that it waits for it")
    else:
        until(lambda: reasons(first) == ["canary"], what="its other slot waits for it")
    installation.write("go", "")
    assert first.process.wait(60) == 0


def test_the_reason_is_in_the_text_of_the_log(installation: Installation) -> None:
    installation.join_server()
    name = planned(installation, {0: {"steps": [0.5]}}, LOSS)
    installation.ctl("pause", name)
    agent = installation.start_agent(name, "--log-format", "text")
    sweep = name.rpartition("/")[2]
    message = f"sweep {sweep}: this agent is not eligible for runs: it is paused (paused by a person); "
    until(lambda: message in agent.log(), what="the agent says why it waits")
