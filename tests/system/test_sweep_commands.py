"""Edit, explain and the release of agents, with real agents and processes."""

from __future__ import annotations

import json

from system.installation import Agent, Installation
from system.promises import runs, state_of, sweep
from system.test_run_commands import RANDOM, failure, started
from waiting import until

STOPPED = "\nearly_terminate: {type: hyperband, min_iter: 2, eta: 3, strict: true}\n"


def kinds(installation: Installation, name: str) -> list[str]:
    """Return the kinds of obstacles of a sweep or a run."""
    listed = installation.json("explain", name)["obstacles"]
    assert isinstance(listed, list)
    return [str(obstacle["kind"]) for obstacle in listed]


def agent_id(agent: Agent) -> str:
    until(lambda: agent.events("connected"))
    return str(agent.events("connected")[0]["agent"])


def test_a_raised_cap_lets_a_finished_sweep_continue(installation: Installation) -> None:
    """Section 8, P-edit: `run_cap` counts all runs, whatever the cap was when they started."""
    installation.join_server()
    name = installation.create(RANDOM + "run_cap: 2\n")
    assert installation.start_agent(name).process.wait(60) == 0
    assert installation.json("get", name)["ending"] == "cap"
    done = installation.ctl("edit", name, "--run-cap", "3", "--tag", "more", "--metadata", "why=again")
    assert done.stdout.strip() == name
    shown = installation.json("get", name)
    assert (shown["state"], shown["runCap"], shown["revision"]) == ("running", 3, 2)
    assert (shown["tags"], shown["metadata"], shown["ending"]) == (["more"], {"why": "again"}, None)
    assert installation.start_agent(name).process.wait(60) == 0
    assert [run["state"] for run in runs(installation, name)] == ["finished"] * 3
    assert state_of(installation, name) == "finished"
    error = failure(installation, "edit", name, "--name", "x", "--revision", "1", code=1)
    assert (error["code"], error["reason"]) == ("ABORTED", "stale-revision")
    assert (error["message"], error["nextStep"]) == (
        f"{name} was edited meanwhile: expected revision 1, found 2",
        f"check it with `sweepctl get {name}`, and repeat the call",
    )
    error = failure(installation, "edit", name, "--tag", "ok", "--tag", "", code=2)
    assert (error["reason"], error["message"]) == ("invalid-field", "--tag '': must not be empty")
    assert "sweepctl edit --help" in str(error["nextStep"])
    assert failure(installation, "edit", "local/x/nope", "--name", "x", code=3)["code"] == "NOT_FOUND"
    assert installation.ctl("list", "--filter", "tags=more", "-o", "name").stdout.strip() == name


def test_a_raised_cap_starts_more_runs_of_a_running_sweep(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("patient.py", runs=5) + "run_cap: 2\n")
    agent = installation.start_agent(name, "--slots", "4")
    started(agent, 2)
    assert installation.json("get", name)["ending"] == "cap"
    installation.ctl("edit", name, "--run-cap", "4")
    started(agent, 4)
    installation.ctl("edit", name, "--run-cap", "none")
    assert installation.json("get", name)["runCap"] is None
    (installation.work / "release").touch()
    assert agent.process.wait(60) == 0
    assert len(runs(installation, name)) == 5


def test_an_agent_with_repeated_failures_is_quarantined_until_it_is_released(
    installation: Installation,
) -> None:
    """Section 19, guard: an agent with N failures in a row gets no more of the sweep until released."""
    installation.join_server()
    name = installation.create(sweep("fixable.py", runs=4) + "guard: {agent: 2}\n")
    agent = installation.start_agent(name)
    until(lambda: kinds(installation, name) == ["paused", "guard"], what="the guard holds it")
    shown = installation.json("get", name)
    assert shown["guardedAgents"] == [agent_id(agent)]
    assert len(agent.events("run_started")) == 2
    until(lambda: "release" in agent.log(), what="the agent says so")
    assert agent_id(agent) in installation.ctl("explain", name).stdout
    (installation.work / "fixed").touch()
    released = installation.ctl("agents", "release", agent_id(agent), "--sweep", name)
    assert released.stdout.strip() == name
    assert agent.process.wait(60) == 0
    states = [run["state"] for run in runs(installation, name)]
    assert states == ["failed", "failed", "finished", "finished"]
    error = failure(installation, "agents", "release", agent_id(agent), code=3)
    assert error["reason"] == "no-such-name"


def test_explain_shows_the_rule_that_stopped_a_run_early(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("ranked.py", runs=3) + STOPPED)
    agent = installation.start_agent(name, "--slots", "3")
    started(agent, 3)
    until(lambda: any(run["state"] == "stopped" for run in runs(installation, name)))
    stopped = next(run for run in runs(installation, name) if run["state"] == "stopped")
    output = installation.ctl("explain", str(stopped["run"])).stdout
    assert "of the grid" in output
    assert "hyperband at iteration 2: " in output
    assert "ranked.py --a=" in output
    explanation = installation.json("explain", str(stopped["run"]))
    verdicts = explanation["verdicts"]
    assert isinstance(verdicts, list)
    assert [(verdict["rule"], verdict["rung"]) for verdict in verdicts] == [("hyperband", 2)]
    assert 1 < verdicts[0]["rank"] <= verdicts[0]["compared"] <= 3
    assert explanation["events"]


def test_explain_shows_the_cause_of_failure_and_the_arguments_of_a_run(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("fixable.py"))
    assert installation.start_agent(name).process.wait(60) == 0
    output = installation.ctl("explain", f"{name}:1").stdout
    assert "code 3" in output
    assert "fixable.py --a=0" in output
    assert "Why it waits" not in output
    assert kinds(installation, name) == ["ended"]


def test_explain_shows_why_a_run_waits_and_the_remedy(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(RANDOM + "run_cap: 3\nrequires: {gpu: a100}\n")
    waiting = installation.ctl("enqueue", name, "--param", "a=1").stdout.strip()
    assert kinds(installation, waiting)[0] == "no-agent"
    output = installation.ctl("explain", waiting).stdout
    assert "Why it waits" in output
    assert f"sweep-agent --sweep {name} --label=gpu=a100" in output
    agent = installation.start_agent(name)
    until(lambda: kinds(installation, name)[:1] == ["labels"], what="its labels are lacking")
    assert kinds(installation, waiting)[0] == "labels"
    assert "gpu=a100" in installation.ctl("explain", name).stdout.replace(": ", "=")
    until(lambda: "gpu" in agent.log(), what="the agent says so")
    installation.ctl("pause", name)
    assert kinds(installation, name)[0] == "paused"
    assert f"sweepctl resume {name}" in installation.ctl("explain", waiting).stdout
    assert not agent.events("run_started")
    installation.ctl("resume", name)
    able = installation.start_agent(name, "--label", "gpu=a100")
    assert able.process.wait(60) == 0
    assert agent.process.wait(30) == 0
    assert {run["state"] for run in runs(installation, name)} == {"finished"}
    assert len(able.events("run_started")) == 3


def test_a_running_sweep_with_free_capacity_has_no_obstacle(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("patient.py", runs=2))
    agent = installation.start_agent(name)
    started(agent, 1)
    assert kinds(installation, name) == ["no-room"]
    error = json.loads(installation.ctl("explain", "nope", "-o", "json", code=3).stderr)["error"]
    assert error["exitCode"] == 3
