"""Section 11.3 and C5: the end of an agent that gets no runs because of a guard or a missing label."""

from __future__ import annotations

import signal

import pytest

from system.installation import Agent, Installation
from waiting import until

FAILING = """
command: [sh, -c, 'echo "ValueError: no such layer" >&2; exit 4']
method: grid
metric: {name: loss}
guard: {agent: 2}
parameters: {a: {values: [1, 2, 3, 4]}}
"""
PICKY = """
command: ["true"]
method: grid
requires: {gpu: a100}
parameters: {a: {values: [1]}}
"""


def quarantined(installation: Installation) -> tuple[str, Agent]:
    """Return a sweep, and an agent that its guard has quarantined."""
    installation.join_server()
    name = installation.create(FAILING)
    agent = installation.start_agent(name)
    until(lambda: agent.events("withheld"), what="the guard holds the agent")
    return name, agent


@pytest.mark.parametrize("how", ["stop", "SIGTERM", "Ctrl-C"])
def test_a_quarantined_agent_ends_with_exit_code_9_and_the_reason(
    installation: Installation, how: str
) -> None:
    name, agent = quarantined(installation)
    (event,) = agent.events("withheld")
    assert (event["sweep"], event["reason"]) == (name, "guard")
    assert "sweepctl agents release" in str(event["message"])
    if how == "stop":
        installation.ctl("stop", name)
    else:
        agent.process.send_signal(signal.SIGTERM if how == "SIGTERM" else signal.SIGINT)
    code = agent.process.wait(20)
    (exiting,) = agent.events("exiting")
    assert len(agent.events("withheld")) == 1
    if how == "Ctrl-C":
        assert (code, exiting.get("message")) == (130, None)
    else:
        sweep = name.rpartition("/")[2]
        assert code == exiting["exit_code"] == 9
        assert exiting["message"] == (
            f"the guard of sweep {sweep} quarantines this agent; run {sweep}-2 failed with exit code 4; "
            "its last lines: ValueError: no such layer"
        )


def test_an_agent_ended_by_its_own_guard_does_not_stop_the_sweep(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(FAILING.replace("guard: {agent: 2}\n", ""))
    agent = installation.start_agent(name, "--max-consecutive-failed-runs", "1")
    assert agent.process.wait(20) == 9
    (exiting,) = agent.events("exiting")
    assert str(exiting["message"]).startswith("1 run has failed (--max-consecutive-failed-runs 1); run ")
    assert installation.json("get", name)["state"] == "running"


def test_a_missing_label_of_the_agent_is_reported_once_and_is_not_a_failure(
    installation: Installation,
) -> None:
    installation.join_server()
    name = installation.create(PICKY)
    agent = installation.start_agent(name)
    until(lambda: agent.events("withheld"), what="the agent hears that it lacks a label")
    right = installation.start_agent(name, "--label", "gpu=a100")
    assert right.process.wait(20) == 0
    assert agent.process.wait(20) == 0
    (event,) = agent.events("withheld")
    assert event["reason"] == "labels"
    assert "requires gpu=a100" in str(event["message"])
