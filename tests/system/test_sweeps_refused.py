"""Messages about an unavailable server, a wrong token, a hanging store and a missing objective."""

from __future__ import annotations

import json
import os
import signal

import pytest

from system.installation import TRIALS, Installation
from waiting import until

STEPS = (
    f"program: {TRIALS / 'steps.py'}\ncommand: [python, '${{program}}', '${{args}}']\n"
    "method: random\nrun_cap: 2\nmetric: {name: loss}\n"
    "parameters: {x: {min: 0.0, max: 1.0}, steps: {value: 3}}\n"
)
SILENT = STEPS.replace("steps.py", "no_objective.py").replace("name: loss", "name: val_loss")
SILENT = SILENT.replace("cap: 2", "cap: 9")
CALLS = (
    ["create", "sweep.yaml"],
    ["list"],
    ["get", "local/a/b"],
    ["runs", "local/a/b"],
    ["best", "local/a/b"],
    ["export", "local/a/b"],
    ["watch", "local/a/b"],
    ["pause", "local/a/b"],
    ["agents"],
)


@pytest.mark.parametrize(
    ("token", "code", "status"), [("", 6, "UNAVAILABLE"), ("wrong", 4, "UNAUTHENTICATED")]
)
def test_every_command_reports_the_failed_part_in_one_line(
    installation: Installation, token: str, code: int, status: str
) -> None:
    installation.write("sweep.yaml", STEPS)
    address = "127.0.0.1:1"
    if token:
        address = installation.start_server().address
        installation.environment["SWEEPD_TOKEN"] = token
    installation.environment["SWEEPD_ADDRESS"] = address
    for call in CALLS:
        done = installation.ctl(*call, code=code)
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("error") == 1, done.stderr
        assert "Traceback" not in done.stderr
    report = json.loads(installation.ctl("list", "-o", "json", code=code).stderr)["error"]
    assert (report["code"], report["exitCode"]) == (status, code)
    done = installation.run("sweep-agent", "--sweep", "local/a/b", "--wait", "1s")
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    assert "wrong" not in done.stderr
    done = installation.run("sweepctl", "run", "sweep.yaml")
    assert done.returncode == code, done
    assert installation.processes() == [] or token


def test_runs_end_while_the_metric_store_hangs_and_their_points_arrive_later(
    installation: Installation,
) -> None:
    server = installation.start_server()
    sweep = installation.create(STEPS)
    store = server.service_pids()["metric-store"]
    os.kill(store, signal.SIGSTOP)
    try:
        agent = installation.start_agent(sweep)
        installation.ctl("wait", sweep, "--timeout", "40s")
        assert installation.json("best", sweep)["iterations"] == 3
        assert installation.ctl("runs", sweep).stdout.count("finished") == 2
    finally:
        os.kill(store, signal.SIGCONT)
    assert agent.process.wait(40) == 0
    until(lambda: len(installation.export(sweep, "point")) == 2 * 3 * 3, what="every point of three keys")


def test_every_command_shows_that_the_objective_was_never_logged(installation: Installation) -> None:
    installation.start_server()
    sweep = installation.create(SILENT)
    agent = installation.start_agent(sweep)
    until(lambda: installation.json("get", sweep)["state"] == "paused")
    run = f"{sweep}-1"
    shown = {
        "get": installation.ctl("get", sweep).stdout,
        "get run": installation.ctl("get", run).stdout,
        "list": installation.ctl("get", sweep, "-o", "json").stdout,
        "agent": agent.log(),
    }
    for what, text in shown.items():
        assert "val_loss" in text, what
        assert "acc" in text, what
    installation.ctl("wait", sweep, "--timeout", "0", code=7)
    installation.ctl("stop", sweep)
    watched = installation.ctl("watch", sweep)
    assert "val_loss" in watched.stdout + watched.stderr
    assert agent.process.wait(20) == 0
    assert "val_loss" in installation.ctl("best", sweep, code=3).stderr
