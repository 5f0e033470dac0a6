"""Sweeps from the file to the result, as users run them."""

from __future__ import annotations

import json

import pytest

from system.installation import TRIALS, Installation
from waiting import until

PYTHON = 'command: [python, "${program}", "${args}"]\n'
RANDOM = "method: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"


def steps(rest: str) -> str:
    """Return a sweep file over the trial of a few rows."""
    return f"program: {TRIALS / 'steps.py'}\n{PYTHON}{rest}"


def test_a_random_sweep_ends_at_its_cap_with_many_agents(installation: Installation) -> None:
    installation.join_server()
    sweep = installation.create(
        steps(
            "method: random\nrun_cap: 13\nmetric: {name: loss}\n"
            "parameters: {x: {min: 0.0, max: 1.0}, steps: {value: 1}}\n"
        )
    )
    agents = [installation.start_agent(sweep, "--slots", "2") for _ in range(3)]
    installation.ctl("wait", sweep, "--timeout", "60s")
    assert [agent.process.wait(15) for agent in agents] == [0, 0, 0]
    runs = installation.export(sweep, "run")
    assert len(runs) == 13
    assert {run["state"] for run in runs} == {"finished"}
    best = installation.json("best", sweep)
    lowest = min(runs, key=lambda run: run["params"]["x"])  # type: ignore[index]  # plain JSON
    assert best["run"] == lowest["run"]


def test_a_bayes_sweep_with_hyperband_stops_bad_runs(installation: Installation) -> None:
    installation.join_server()
    sweep = installation.create(
        steps(
            "method: bayes\nrun_cap: 12\nmetric: {name: loss}\n"
            "early_terminate: {type: hyperband, min_iter: 2, eta: 2}\n"
            "parameters: {x: {min: 0.0, max: 5.0}, steps: {value: 20}, seconds: {value: 0.05}}\n"
        )
    )
    agent = installation.start_agent(sweep, "--slots", "3")
    installation.ctl("wait", sweep, "--timeout", "90s", timeout=100)
    assert agent.process.wait(15) == 0
    runs = installation.export(sweep, "run")
    states = [run["state"] for run in runs]
    assert len(states) == 12
    assert set(states) == {"finished", "stopped"}
    stopped = next(run for run in runs if run["state"] == "stopped")
    assert "hyperband" in str(stopped["reason"])


def test_a_pause_survives_a_restart_and_resume_ends_it(installation: Installation) -> None:
    server = installation.start_server()
    sweep = installation.create(
        steps(
            "method: grid\nmetric: {name: loss}\n"
            "parameters: {a: {values: [0, 1, 2, 3, 4, 5]}, steps: {value: 2}}\n"
        )
    )
    installation.ctl("pause", sweep)
    agent = installation.start_agent(sweep)
    until(lambda: agent.events("connected"))
    port = server.address
    assert server.stop() == 0
    again = installation.start_server(listen=port)
    until(lambda: len(agent.events("connected")) >= 2, within=60)
    assert not agent.events("run_started")
    assert installation.json("get", sweep)["state"] == "paused"
    installation.ctl("resume", sweep)
    installation.ctl("wait", sweep, "--timeout", "60s")
    assert agent.process.wait(15) == 0
    assert again.stop() == 0


def test_cancel_kills_a_run_that_ignores_sigterm_and_its_child_processes(installation: Installation) -> None:
    installation.start_server()
    sweep = installation.create(
        f"program: {TRIALS / 'stubborn.py'}\n{PYTHON}{RANDOM}metric: {{name: loss}}\nrun_cap: 2\n"
    )
    agent = installation.start_agent(sweep)
    until(lambda: agent.events("metrics_acked"))
    installation.ctl("cancel", sweep, "--yes")
    assert installation.json("get", sweep)["state"] == "cancelled"
    assert agent.process.wait(15) == 0
    (run,) = installation.export(sweep, "run")
    assert run["state"] == "killed"
    trials = [each for each in installation.commands() if "stubborn.py" in each or "Event().wait" in each]
    assert trials == []


def test_runs_without_the_objective_are_reported_and_pause_the_sweep(installation: Installation) -> None:
    installation.join_server()
    sweep = installation.create(
        f"program: {TRIALS / 'no_objective.py'}\n{PYTHON}{RANDOM}metric: {{name: val_loss}}\n"
    )
    agent = installation.start_agent(sweep)
    until(lambda: installation.json("get", sweep)["state"] == "paused")
    shown = installation.json("get", sweep)
    assert "val_loss" in str(shown["reason"])
    assert "acc" in json.dumps(shown)
    assert len(installation.export(sweep, "run")) == 3
    until(lambda: "val_loss" in agent.log(), what="the agent says so")
    installation.ctl("stop", sweep)
    assert agent.process.wait(15) == 0


@pytest.mark.parametrize("form", ["args", "args_json", "args_no_equals"])
def test_values_reach_the_script_on_its_command_line(installation: Installation, form: str) -> None:
    installation.join_server()
    installation.write("show.py", "import sys, sweepd\nprint(sys.argv[1:])\nsweepd.log({'loss': 1})\n")
    sweep = installation.create(
        f'program: show.py\ncommand: [python, "${{program}}", "${{{form}}}"]\nmethod: grid\n'
        "parameters: {lr: {value: 0.1}, flag: {value: true}, s: {value: 'a b'}, n: {value: null}}\n"
    )
    agent = installation.start_agent(sweep)
    assert agent.process.wait(30) == 0
    (run,) = installation.export(sweep, "run")
    expected = {
        "args": ["--flag=True", "--lr=0.1", "--n=None", "--s=a b"],
        "args_no_equals": ["--flag", "True", "--lr", "0.1", "--n", "None", "--s", "a b"],
        "args_json": ['{"flag": true, "lr": 0.1, "n": null, "s": "a b"}'],
    }[form]
    assert installation.ctl("logs", str(run["run"])).stdout.strip() == str(expected)
