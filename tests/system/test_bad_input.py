"""Invalid input and unavailable parts: one clear message and the right exit code each; nothing is lost."""

from __future__ import annotations

import os
import signal

import pytest

from system.installation import TRIALS, Installation
from waiting import until

RANDOM = "method: random\nrun_cap: 2\nmetric: {name: loss}\nparameters: {x: {min: 0.0, max: 1.0}}\n"
PYTHON = 'command: [python, "${program}", "${args}"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("method: [random\n", "sweep.yaml:"),
        ("methd: random\nparameters: {x: {value: 1}}\n", "method"),
        ("method: random\nparameters: {x: {min: 3, max: 1}}\n", "parameters.x"),
        ("", "empty"),
    ],
)
def test_an_invalid_file_is_refused_with_the_position_of_the_error(
    installation: Installation, text: str, words: str
) -> None:
    installation.write("sweep.yaml", text)
    for command in ("validate", "create"):
        done = installation.ctl(command, "sweep.yaml", code=5)
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_a_missing_file_is_reported(installation: Installation) -> None:
    done = installation.ctl("create", "nothing.yaml", code=None)
    assert done.returncode in (2, 5)
    assert "nothing.yaml" in done.stderr


def test_a_missing_server_is_reported(installation: Installation) -> None:
    installation.write("sweep.yaml", RANDOM)
    done = installation.ctl("create", "sweep.yaml", code=6)
    assert done.stderr.count("error:") == 1
    assert "sweepd up" in done.stderr


def test_an_unknown_sweep_is_reported(installation: Installation) -> None:
    installation.join_server()
    assert "error:" in installation.ctl("get", "local/none/none", code=3).stderr
    agent = installation.start_agent("local/none/none")
    assert agent.process.wait(15) == 3


def test_a_wrong_token_is_refused(installation: Installation) -> None:
    installation.join_server()
    installation.environment["SWEEPD_TOKEN"] = "not-the-token"
    done = installation.ctl("list", code=4)
    assert "token" in done.stderr
    assert "not-the-token" not in done.stderr


def test_a_missing_script_pauses_its_sweep_with_the_reason(installation: Installation) -> None:
    installation.join_server()
    name = installation.create("program: missing.py\ncommand: ['./missing.py']\n" + RANDOM)
    agent = installation.start_agent(name)
    until(lambda: installation.json("get", name)["state"] == "paused", what="no agent can start it")
    sweep = installation.json("get", name)
    assert "program ./missing.py does not exist" in str(sweep["reason"])
    (run,) = installation.export(name, "run")
    assert run["state"] == "pending", "it is not charged to the run"
    installation.ctl("cancel", name, "--yes")
    assert agent.process.wait(15) == 9


def test_a_script_that_crashes_fails_its_run_and_the_sweep_continues(installation: Installation) -> None:
    installation.join_server()
    installation.write(
        "crash.py",
        "import os, sweepd\nsweepd.init()\nsweepd.log({'loss': 1})\n"
        "if os.environ['SWEEPD_RUN_ID'].endswith('-1'): raise ValueError('the data is gone')\n",
    )
    sweep = installation.create(f"program: crash.py\n{PYTHON}{RANDOM}")
    agent = installation.start_agent(sweep)
    assert agent.process.wait(60) == 0  # by then, all output has arrived, too
    first, second = installation.export(sweep, "run")
    assert (first["state"], second["state"]) == ("failed", "finished")
    assert "the data is gone" in str(first["reason"])
    assert "the data is gone" in installation.ctl("logs", str(first["run"])).stdout


def test_reads_name_the_metric_store_while_it_is_unavailable(installation: Installation) -> None:
    server = installation.start_server()
    sweep = installation.create(f"program: {TRIALS / 'steps.py'}\n{PYTHON}{RANDOM}")
    agent = installation.start_agent(sweep)
    assert agent.process.wait(30) == 0
    run = str(installation.export(sweep, "run")[0]["run"])
    store = server.service_pids()["metric-store"]
    os.kill(store, signal.SIGSTOP)
    try:
        done = installation.ctl("history", run, code=None, timeout=120)
        assert done.returncode in (1, 6)
        assert "metric" in done.stderr
        assert installation.json("get", sweep)["state"] == "finished"
    finally:
        os.kill(store, signal.SIGCONT)
    until(lambda: installation.ctl("history", run, code=None).returncode == 0, what="the store is back")
