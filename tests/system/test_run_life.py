"""Automatic decisions about runs, agents and sweeps: retries, guard, canary, repeats, timeout."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime

from system.installation import Installation
from system.test_early_termination import Plan, kill_scheduler, planned
from waiting import until


def reports(installation: Installation) -> list[dict[str, object]]:
    """Return the record of each attempt, in the order of their starts."""
    return [json.loads(line) for line in (installation.work / "attempts.jsonl").read_text().splitlines()]


def listed(shape: dict[str, object], key: str) -> list[dict[str, object]]:
    """Return a list of mappings from a printed document."""
    value = shape[key]
    assert isinstance(value, list)
    return value


def counts(installation: Installation, name: str) -> dict[str, object]:
    """Return the number of runs of a sweep by state."""
    value = installation.json("get", name)["runs"]
    assert isinstance(value, dict)
    return value


def test_a_failed_run_is_retried_with_the_same_arguments(installation: Installation) -> None:
    """It runs with the same argv, byte for byte, as attempt 2; the cap counts it once."""
    server = installation.start_server()
    plan: Plan = {7: {"exits": [1, 0], "steps": [0.5]}, 8: {}}
    name = planned(installation, plan, "metric: {name: loss}\nrun_cap: 1\nretry: {failure: 1}\n")
    installation.ctl("pause", name)
    agent = installation.start_agent(name)
    until(lambda: agent.events("connected"))
    kill_scheduler(server, agent)
    installation.ctl("resume", name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    (run,) = installation.export(name, "run")
    assert (run["state"], run["attempt"], run["value"]) == ("finished", 2, 0.5)
    first, second = listed(run, "attempts")
    assert first["reason"] == "exited with code 1"
    assert first["argv"] == second["argv"]
    one, other = reports(installation)
    assert (one["attempt"], other["attempt"]) == (1, 2)
    assert one["argv"] == other["argv"]
    assert installation.json("get", name)["state"] == "finished"
    assert counts(installation, name)["finished"] == 1


def test_an_agent_on_which_runs_fail_is_quarantined_and_others_get_runs(installation: Installation) -> None:
    """P11: retried attempts count against the agent; the sweep names it, also after a scheduler kill."""
    server = installation.start_server()
    plan: Plan = {0: {"exits": [3, 3, 0]}, 1: {}, 2: {}}
    name = planned(installation, plan, "retry: {failure: 5}\nguard: {agent: 2}\n")
    held = installation.start_agent(name, state="held")
    until(
        lambda: installation.json("get", name)["pauseCause"] == "all-agents-quarantined",
        what="the only agent is held",
    )
    kill_scheduler(server, held)
    sweep = installation.json("get", name)
    (agent,) = listed(sweep, "guardedAgents")
    assert sweep["state"] == "paused"
    assert sweep["reason"] == (
        f"every attached agent is quarantined: agent {agent} gets no more runs, as too many attempts failed "
        "there in a row, the last one because: exited with code 3; "
        f"fix the cause, then release it: sweepctl agents release {agent}"
    )
    other = installation.start_agent(name, state="other")
    assert other.process.wait(60) == 0, other.log()[-2000:]
    runs = installation.export(name, "run")
    assert [run["state"] for run in runs] == ["finished"] * 3
    assert [attempt["agent"] == agent for attempt in listed(runs[0], "attempts")] == [True, True, False]
    assert all(len(listed(run, "attempts")) == 1 for run in runs[1:])
    assert len(held.events("run_started")) == 2


def test_a_sweep_pauses_when_too_many_of_its_last_runs_failed(installation: Installation) -> None:
    """The share refers to the last 20 ended runs; counting restarts after `resume`."""
    installation.join_server()
    plan: Plan = {a: {"exits": [3 if 4 < a < 20 else 0]} for a in range(30)}
    name = planned(installation, plan, "guard: {agent: 1000, sweep: 0.75}\n")
    agent = installation.start_agent(name, "--slots", "1")
    until(lambda: installation.json("get", name)["state"] == "paused", within=60, what="the sweep pauses")
    sweep = installation.json("get", name)
    assert sweep["pausedByItself"]
    assert str(sweep["reason"]).startswith(
        "15 of the last 20 runs have failed, the last one because: exited with"
    )
    ended = counts(installation, name)
    assert (ended["finished"], ended["failed"]) == (5, 15)
    installation.ctl("resume", name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert installation.json("get", name)["state"] == "finished"


def test_a_canary_that_never_logs_the_objective_fails_the_sweep(installation: Installation) -> None:
    """One run is spent; the reason names the logged keys."""
    installation.join_server()
    extra = "metric: {name: accuracy}\ncanary: true\n"
    name = planned(installation, {a: {"steps": [0.5]} for a in range(9)}, extra)
    agents = [installation.start_agent(name, "--slots", "2", state=state) for state in ("one", "two")]
    installation.ctl("wait", name, "--timeout", "60s", code=8)
    for agent in agents:
        agent.process.wait(30)
    sweep = installation.json("get", name)
    assert (sweep["state"], sweep["reason"]) == (
        "failed",
        "the canary run 1 has ended: your script logged `loss`; the sweep optimises `accuracy`",
    )
    assert len(reports(installation)) == 1


def test_other_runs_start_once_the_canary_has_logged_the_objective(installation: Installation) -> None:
    """No other run starts before its first value; then they start while the canary continues."""
    server = installation.start_server()
    plan: Plan = {a: {"steps": ["log", 0.5, "release"]} for a in range(4)}
    name = planned(installation, plan, "metric: {name: loss}\ncanary: true\n")
    agent = installation.start_agent(name, "--slots", "4")
    until(lambda: agent.events("run_started"))
    kill_scheduler(server, agent)
    assert len(agent.events("run_started")) == 1
    installation.write("log", "")
    until(lambda: len(agent.events("run_started")) >= 4, what="the others start")
    assert not agent.events("run_ended")
    installation.write("release", "")
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert counts(installation, name)["finished"] == 4


def test_repeats_of_a_point_get_their_index_and_count_as_one(installation: Installation) -> None:
    """The runs of a point are consecutive; the best is that of the point, whichever process dies."""
    server = installation.start_server()
    plan: Plan = {0: {"steps": ["go-{repeat}", 0.5]}, 1: {"steps": [0.25]}}
    extra = "metric: {name: loss}\nrepeats: 3\nrun_cap: 5\n"
    name = planned(installation, plan, extra)
    agent = installation.start_agent(name)
    installation.write("go-0", "")
    until(lambda: len(agent.events("run_started")) >= 2, what="the second repeat starts")
    kill_scheduler(server, agent)
    installation.write("go-1", "")
    installation.write("go-2", "")
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    runs = installation.export(name, "run")
    points = [(run["params"], run["repeat"]) for run in runs]
    assert points == [({"a": 0}, 0), ({"a": 0}, 1), ({"a": 0}, 2), ({"a": 1}, 0), ({"a": 1}, 1)]
    lines = sorted((line["a"], line["repeat"]) for line in reports(installation))
    assert lines == [(0, "0"), (0, "1"), (0, "2"), (1, "0"), (1, "1")]
    sweep = installation.json("get", name)
    assert sweep["state"] == "finished"
    assert sweep["best"] == {"run": runs[3]["run"], "value": 0.25}


def test_a_sweep_stops_after_its_timeout_even_if_the_scheduler_is_killed(installation: Installation) -> None:
    """Live runs finish; time also counts while the scheduler is down."""
    server = installation.start_server()
    plan: Plan = {a: {"steps": ["release"]} for a in range(9)}
    name = planned(installation, plan, "sweep_timeout: 4s\n")
    agent = installation.start_agent(name)
    until(lambda: agent.events("run_started"))
    begun = datetime.fromisoformat(str(installation.json("get", name)["startTime"]))
    os.kill(server.service_pids()["scheduler"], signal.SIGKILL)

    def has_stopped() -> bool:
        shown = installation.ctl("get", name, "-o", "json", code=None)
        return shown.returncode == 0 and json.loads(shown.stdout)["ending"] == "stop"

    until(has_stopped, what="its timeout has passed")
    assert 4 < (datetime.now(UTC) - begun).total_seconds() < 10
    sweep = installation.json("get", name)
    assert (sweep["state"], sweep["reason"]) == ("running", "sweep_timeout of 4s has passed")
    installation.write("release", "")
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    sweep = installation.json("get", name)
    assert (sweep["state"], sweep["reason"]) == ("stopped", "sweep_timeout of 4s has passed")
    assert counts(installation, name)["finished"] == 1
