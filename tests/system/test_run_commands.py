"""Retry, enqueue and stop of single runs, with real agents."""

from __future__ import annotations

import json

from processes import alive
from system.installation import TRIALS, Agent, Installation
from system.promises import attempts, number, runs, state_of, sweep
from waiting import until

RANDOM = (
    f'program: {TRIALS / "steps.py"}\ncommand: [python, "${{program}}", "${{args}}"]\nmethod: random\n'
    "metric: {name: loss}\nparameters: {a: {min: 0, max: 1000}, steps: {value: 1}}\n"
)


def names(text: str) -> list[str]:
    return text.split()


def failure(installation: Installation, *arguments: str, code: int) -> dict[str, object]:
    """Return the JSON error of a call that fails."""
    done = installation.ctl(*arguments, "-o", "json", code=code)
    error: dict[str, object] = json.loads(done.stderr.splitlines()[-1])["error"]
    assert error["exitCode"] == code
    return error


def started(agent: Agent, count: int) -> list[str]:
    """Return the runs that an agent has started, in order, once there are `count`."""
    until(lambda: len(agent.events("run_started")) >= count, what=f"{count} runs start")
    return [str(event["run"]) for event in agent.events("run_started")]


def test_retried_runs_of_an_ended_sweep_keep_their_numbers_and_points(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("fixable.py", runs=3))
    assert installation.start_agent(name).process.wait(60) == 0
    assert [run["state"] for run in runs(installation, name)] == ["failed"] * 3
    assert installation.json("get", name)["state"] == "finished"
    (installation.work / "fixed").touch()
    first = installation.ctl("retry", f"{name}:2")
    assert names(first.stdout) == [f"{name}-2"]
    rest = ("retry", name, "--state", "failed", "--request-id", "once")
    assert names(installation.ctl(*rest).stdout) == [f"{name}-1", f"{name}-3"]
    assert installation.json("get", name)["state"] == "running"
    assert installation.start_agent(name).process.wait(60) == 0
    shown = installation.json("get", name)
    assert shown["state"] == "finished"
    assert shown["best"] == {"run": f"{name}-1", "value": 0.0}
    ended = runs(installation, name)
    assert [run["state"] for run in ended] == ["finished"] * 3
    assert [attempts(run) for run in ended] == [[(1, "ended"), (2, "ended")]] * 3
    # Repeating the request gives the same response, and nothing runs again.
    assert installation.json(*rest) == {"runs": [f"{name}-1", f"{name}-3"], "total": 2}
    assert installation.json("get", name)["state"] == "finished"
    assert '"run-retried"' in json.dumps(installation.json("explain", f"{name}:1")["events"])


def test_an_impossible_retry_is_refused_for_all_of_its_runs(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("steps.py", runs=2))
    assert installation.start_agent(name).process.wait(60) == 0
    error = failure(installation, "retry", f"{name}:1", f"{name}:2", code=1)
    assert (error["code"], error["reason"]) == ("FAILED_PRECONDITION", "wrong-state")
    assert failure(installation, "retry", f"{name}:9", code=3)["reason"] == "no-such-name"
    assert failure(installation, "retry", "local/x/nope", "--state", "failed", code=3)["code"] == "NOT_FOUND"
    assert installation.ctl("retry", name, "--state", "failed").stdout == ""
    other = installation.create(sweep("fixable.py", runs=1))
    assert installation.start_agent(other).process.wait(60) == 0
    several = failure(installation, "retry", f"{other}:1", f"{name}:1", code=2)
    assert (several["code"], several["reason"]) == ("INVALID_ARGUMENT", "invalid-field")
    assert str(several["message"]).startswith("the runs belong to several sweeps")
    assert [attempts(run) for run in runs(installation, other)] == [[(1, "ended")]]
    third = installation.create(sweep("patient.py", runs=1))
    agent = installation.start_agent(third)
    started(agent, 1)
    installation.ctl("cancel", third, "--yes")
    until(lambda: state_of(installation, f"{third}-1") == "killed")
    assert failure(installation, "retry", f"{third}:1", code=1)["reason"] == "wrong-state"


def test_enqueued_points_run_before_those_of_the_method_and_first_puts_one_in_front(
    installation: Installation,
) -> None:
    installation.join_server()
    name = installation.create(RANDOM + "run_cap: 4\n")
    installation.ctl("pause", name)
    later = names(installation.ctl("enqueue", name, "--param", "a=11").stdout)
    call = ("enqueue", name, "--params", '{"a": 22, "steps": 1}', "--first", "--request-id", "mine")
    first = names(installation.ctl(*call).stdout)
    assert names(installation.ctl(*call).stdout) == first
    listed = json.loads(installation.ctl("runs", name, "-o", "json").stdout)
    assert [(run["run"], run["params"]["a"]) for run in listed] == [(later[0], 11), (first[0], 22)]
    assert [run["provenance"]["source"] for run in listed] == ["enqueued", "enqueued"]
    installation.ctl("resume", name)
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0
    order = started(agent, 4)
    assert order[:2] == [*first, *later]
    assert len(set(order)) == 4
    error = failure(installation, "enqueue", name, "--param", "a=33", code=1)
    assert error["reason"] == "cap-reached"
    assert str(error["nextStep"]).startswith(f"`sweepctl edit {name} --run-cap")


def test_an_enqueued_run_lets_a_finished_sweep_continue(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("steps.py", runs=2))
    assert installation.start_agent(name).process.wait(60) == 0
    (added,) = names(installation.ctl("enqueue", name, "--param", "a=1").stdout)
    assert installation.json("get", name)["state"] == "running"
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0
    assert started(agent, 1) == [added]
    assert state_of(installation, name) == "finished"
    refused = failure(installation, "enqueue", name, "--param", "a=99", code=2)
    assert refused["reason"] == "invalid-field"
    assert "99" in f"{refused['message']} {refused['cause']}"
    assert refused["nextStep"] == f"`sweepctl get {name} --spec` shows its parameters"
    assert failure(installation, "enqueue", name, "--param", "b=1", code=2)["code"] == "INVALID_ARGUMENT"
    stopped = installation.create(sweep("steps.py", runs=2))
    installation.ctl("stop", stopped)
    assert failure(installation, "enqueue", stopped, "--param", "a=1", code=1)["reason"] == "wrong-state"
    assert failure(installation, "enqueue", "local/x/nope", "--param", "a=1", code=3)["code"] == "NOT_FOUND"


def test_stopping_a_run_ends_its_process_and_the_agent_takes_the_next(installation: Installation) -> None:
    """Section 12: stopping a single run makes its agent take the next one."""
    installation.join_server()
    name = installation.create(sweep("patient.py", runs=2))
    agent = installation.start_agent(name)
    (first,) = started(agent, 1)
    pid = number(agent.events("run_started")[0], "run_pid")
    until(lambda: agent.events("metrics_acked"))
    done = installation.ctl("stop", first)
    assert done.stdout.strip() == first
    until((installation.work / "terminated").exists, within=10)
    until(lambda: not alive(pid), within=10)
    assert started(agent, 2)[1] != first
    until(lambda: state_of(installation, first) == "stopped")
    assert state_of(installation, name) == "running"
    (installation.work / "release").touch()
    assert agent.process.wait(60) == 0
    assert [run["state"] for run in runs(installation, name)] == ["stopped", "finished"]
    assert failure(installation, "stop", first, code=1)["reason"] == "wrong-state"
    assert failure(installation, "stop", f"{name}:9", code=3)["reason"] == "no-such-name"


def test_a_pending_run_can_be_stopped_before_it_starts(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(RANDOM + "run_cap: 2\n")
    (waiting,) = names(installation.ctl("enqueue", name, "--param", "a=1").stdout)
    assert installation.json("stop", waiting)["state"] == "stopped"
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0
    assert waiting not in started(agent, 1)
    assert [attempts(run) for run in runs(installation, name)] == [[], [(1, "ended")]]


def test_a_file_proposed_from_real_runs_creates_a_sweep_that_runs(installation: Installation) -> None:
    installation.start_server()
    name = installation.create(RANDOM + "run_cap: 6\n")
    assert installation.start_agent(name).process.wait(60) == 0
    project = name.split("/")[1]
    proposed = installation.ctl("propose-config", "--project", project, "--method", "random")
    again = installation.create(proposed.stdout + "run_cap: 4\n")
    seen = [run["params"]["a"] for run in runs(installation, name)]  # type: ignore[index]  # plain JSON
    assert installation.start_agent(again).process.wait(60) == 0
    for run in runs(installation, again):
        assert run["state"] == "finished"
        assert min(seen) <= run["params"]["a"] <= max(seen)  # type: ignore[index]  # plain JSON
