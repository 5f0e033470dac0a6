"""P11: a program that one agent cannot start is that agent's failure; other agents continue the sweep."""

from __future__ import annotations

import json

import pytest

from system.installation import Agent, Installation
from waiting import until

SWEEP = """
program: train.py
command: {command}
method: grid
metric: {{name: loss}}
parameters: {{a: {{values: [1, 2, 3, 4, 5, 6]}}}}
"""
TRAIN = """
import json, os, pathlib, time
with open(os.environ["SWEEPD_METRICS_FILE"], "a") as rows:
    rows.write(json.dumps({"loss": 0.75}) + "\\n")
while os.path.exists("wait"):
    time.sleep(0.02)
"""


def empty_folder_agent(installation: Installation, name: str) -> Agent:
    """Start an agent in a folder without the program."""
    empty = installation.work / "empty"
    empty.mkdir(exist_ok=True)
    return installation.start_agent(name, folder=empty)


@pytest.mark.parametrize(
    "command",
    ['["${env}", "${interpreter}", "${program}", "${args}"]', "[python, train.py]"],
)
def test_an_agent_in_an_empty_folder_does_not_pause_the_sweep_while_a_run_is_alive(
    installation: Installation, command: str
) -> None:
    installation.join_server()
    installation.write("train.py", TRAIN)
    installation.write("wait", "")
    name = installation.create(SWEEP.format(command=command))
    good = installation.start_agent(name)
    until(lambda: good.events("run_started"), what="a run is alive")
    bad = empty_folder_agent(installation, name)
    until(lambda: bad.events("withheld"), what="the other agent is quarantined")
    (withheld,) = bad.events("withheld")
    assert (withheld["sweep"], withheld["reason"]) == (name, "guard")
    assert "program train.py does not exist" in str(withheld["message"])
    sweep = installation.json("get", name)
    agent = str(withheld["agent"])
    assert (sweep["state"], sweep["guardedAgents"]) == ("running", [agent])
    assert "program train.py does not exist" in str(sweep["reason"])
    listed = json.loads(installation.ctl("agents", name, "-o", "json").stdout)
    (quarantine,) = [each for row in listed if row["agent"] == agent for each in row["quarantines"]]
    assert (quarantine["sweep"], quarantine["cause"]) == (name, "start-failed")
    (installation.work / "wait").unlink()
    assert good.process.wait(60) == 0
    assert bad.process.wait(30) == 9
    assert len(bad.events("withheld")) == 1
    runs = installation.export(name, "run")
    assert [run["state"] for run in runs] == ["finished"] * 6
    assert sum(int(str(run["attempt"])) for run in runs) == 7, "one hand-out failed"


def test_a_sweep_whose_only_agent_cannot_start_runs_pauses_and_can_be_resumed_after_a_fix(
    installation: Installation,
) -> None:
    """The quarantine survives a restart of the server; releasing the agent ends it."""
    server = installation.start_server()
    installation.write("train.py", TRAIN)
    name = installation.create(SWEEP.format(command="[python, train.py]"))
    empty = installation.work / "empty"
    bad = empty_folder_agent(installation, name)
    until(lambda: installation.json("get", name)["state"] == "paused", what="the sweep pauses")
    sweep = json.loads(installation.ctl("get", name, "-o", "json").stdout)
    assert sweep["pauseCause"] == "all-agents-quarantined"
    assert sweep["runs"]["failed"] == 0
    assert "program train.py does not exist" in str(installation.ctl("explain", name).stdout)
    (agent,) = sweep["guardedAgents"]
    assert server.stop() == 0
    installation.start_server(listen=server.address)
    until(lambda: len(bad.events("connected")) > 1, what="the agent is back")
    (empty / "train.py").write_text(TRAIN)
    assert installation.json("get", name)["state"] == "paused"
    assert installation.ctl("agents", "release", agent).stdout == f"{name}\n"
    assert bad.process.wait(60) == 0
    assert installation.json("get", name)["state"] == "finished"
    assert [run["state"] for run in installation.export(name, "run")] == ["finished"] * 6
