"""Each rule of early termination stops a real run with its reason, even if the scheduler is killed."""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import datetime

import pytest

from system.installation import TRIALS, Agent, Installation, Server
from system.promises import assert_sound
from waiting import until

SOONEST_HEARTBEAT = 8.0
"""Seconds; what arrives sooner was pushed, not polled."""
Plan = dict[int, dict[str, object]]
GOOD: dict[str, object] = {"steps": [0.5, 0.4, 0.3, 0.2]}
FAIR: dict[str, object] = {"steps": [0.6, 0.5, 0.4, 0.3]}
BEST: dict[str, object] = {"steps": [0.3, 0.2, 0.1, 0.0]}
RULES = (
    # The rule, the losses of the last run, and its verdict: rung, value, threshold, rank, compared.
    ("{type: hyperband, min_iter: 2, eta: 3}", [0.9, 0.8], ("hyperband", 2, 0.8, 0.5, 3, 3)),
    ("{type: asha, min_iter: 2, eta: 2}", [0.9, 0.45], ("asha", 2, 0.45, 0.4, 2, 3)),
    ("{type: median, min_iter: 3, min_runs: 2}", [0.9, 0.36, 0.7], ("median", 3, 0.36, 0.35, 2, 3)),
    ("{type: patience, iterations: 2, min_delta: 0.1}", [0.9, 0.85, 0.81], ("patience", 3, 0.81, 0.8, 0, 0)),
    ("{type: threshold, at: 2, value: 0.7}", [0.9, 0.8], ("threshold", 2, 0.8, 0.7, 0, 0)),
)


def planned(installation: Installation, plan: Plan, extra: str) -> str:
    """Create a grid with one run for each entry of a plan, in its order."""
    installation.write("plan.json", json.dumps(plan))
    values = ", ".join(str(a) for a in plan)
    return installation.create(
        f"program: {TRIALS / 'planned.py'}\n"
        'command: [python, "${program}", "${args}"]\n'
        f"method: grid\nparameters: {{a: {{values: [{values}]}}}}\n{extra}"
    )


def kill_scheduler(server: Server, agent: Agent) -> None:
    """Kill the scheduler, and wait until the agent is connected to the next one."""
    connected = len(agent.events("connected"))
    os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
    until(lambda: len(agent.events("connected")) > connected, what="the agent is back")


def seconds_between_runs(agent: Agent, ended: int) -> float:
    """Return the seconds between the end of a run of an agent, counted from 1, and its next start."""
    end, start = agent.events("run_ended")[ended - 1], agent.events("run_started")[ended]
    times = [datetime.fromisoformat(str(event["time"])) for event in (end, start)]
    return (times[1] - times[0]).total_seconds()


@pytest.mark.parametrize(("rule", "losses", "expected"), RULES)
def test_each_rule_stops_a_run_with_its_reason(
    installation: Installation, rule: str, losses: list[float], expected: tuple[object, ...]
) -> None:
    """Values of earlier runs survive a kill of the scheduler.

    The stopped run is not a failure for a guard, and the next one starts immediately.
    """
    server = installation.start_server()
    bad: dict[str, object] = {"steps": ["go", *losses, "never"]}
    name = planned(
        installation,
        {0: FAIR, 1: GOOD, 2: bad, 3: BEST},
        f"metric: {{name: loss}}\nguard: {{agent: 1}}\nearly_terminate: {rule}\n",
    )
    agent = installation.start_agent(name)
    until(lambda: len(agent.events("run_started")) == 3, what="the last run starts")
    kill_scheduler(server, agent)
    installation.write("go", "")
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    runs = installation.export(name, "run")
    assert [run["state"] for run in runs] == ["finished", "finished", "stopped", "finished"]
    verdicts = runs[2]["verdicts"]
    assert isinstance(verdicts, list)
    (verdict,) = verdicts
    assert tuple(verdict[key] for key in ("rule", "rung", "value", "threshold", "rank", "compared")) == (
        *expected[:3],
        pytest.approx(expected[3]),
        *expected[4:],
    )
    assert str(runs[2]["reason"]).startswith(f"early termination ({expected[0]}): ")
    assert seconds_between_runs(agent, 3) < SOONEST_HEARTBEAT, "the agent did not have to offer again"
    output = installation.ctl("explain", f"{name}-3").stdout
    rank = f" (rank {expected[4]} of {expected[5]})" if expected[5] else ""
    assert re.search(rf"{expected[0]} at iteration {expected[1]}: .*{expected[2]}\b.*{expected[3]}.*", output)
    assert rank in output
    assert installation.json("get", name)["state"] == "finished"
    assert server.stop() == 0
    assert_sound(server)


def test_the_count_of_patience_survives_a_kill_of_the_scheduler(installation: Installation) -> None:
    """The run has three bad iterations before the kill and the fourth after it, which stops the run."""
    server = installation.start_server()
    plan: Plan = {0: {"steps": [0.5, 0.6, 0.7, 0.8, "more", 0.9, "never"]}}
    name = planned(
        installation,
        plan,
        "metric: {name: loss}\nearly_terminate: {type: patience, iterations: 4}\n",
    )
    agent = installation.start_agent(name)
    until(lambda: [run["iterations"] for run in installation.export(name, "run")] == [4], what="four rows")
    kill_scheduler(server, agent)
    installation.write("more", "")
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    (run,) = installation.export(name, "run")
    assert (run["state"], run["iterations"]) == ("stopped", 5)
    assert run["reason"] == "early termination (patience): its best, 0.5, has not improved for 4 iterations"


def test_the_smallest_value_of_a_key_can_be_the_objective(installation: Installation) -> None:
    """The rule sees 0.7, 0.3, 0.3, 0.3 of the first run and 0.7, 0.6, 0.6 of the second."""
    installation.start_server()
    name = planned(
        installation,
        {0: {"steps": [0.7, 0.3, 0.9, 0.8]}, 1: {"steps": [0.7, 0.6, 0.9, "never"]}},
        "metric: {name: loss.min}\nearly_terminate: {type: threshold, at: 3, value: 0.5}\n",
    )
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    runs = installation.export(name, "run")
    assert [(run["state"], run["value"], run["iterations"]) for run in runs] == [
        ("finished", 0.3, 4),
        ("stopped", 0.6, 3),
    ]
    assert runs[1]["reason"] == "early termination (threshold): 0.6 at iteration 3 is worse than 0.5"
