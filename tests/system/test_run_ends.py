"""An objective that is only in the summary, and runs marked as failed by their scripts."""

from __future__ import annotations

import json
import subprocess
import sys

from system.installation import Installation
from waiting import until

IN_SUMMARY = """
import os, pathlib, time
import sweepd

with sweepd.init() as run:
    sweepd.log({"other": 1})
    run.summary["eval"] = {"acc": run.config.x}
    here = pathlib.Path(__file__).parent
    (here / "ready").touch()
    while run.config.wait and not (here / "go").exists():
        time.sleep(0.02)
os._exit(0)
"""
SWEEP = """
program: train.py
method: bayes
run_cap: 4
metric: {{name: eval.acc, goal: maximize}}
early_terminate: {{type: median, min_iter: 1, min_runs: 1}}
parameters: {{x: {{min: 0.0, max: 1.0}}, wait: {{value: {wait}}}}}
command: [{python}, "${{program}}"]
"""


def sweep_file(*, wait: bool) -> str:
    return SWEEP.format(wait=str(wait).lower(), python=sys.executable)


def test_an_objective_that_is_only_in_the_summary_is_the_value_of_the_run_everywhere(
    installation: Installation,
) -> None:
    installation.join_server()
    installation.write("train.py", IN_SUMMARY)
    sweep = installation.create(sweep_file(wait=False))
    agent = installation.start_agent(sweep)
    installation.ctl("wait", sweep, "--timeout", "60s")
    assert agent.process.wait(15) == 0
    runs = installation.export(sweep, "run")
    x = {str(run["run"]): run["params"]["x"] for run in runs}  # type: ignore[index]  # plain JSON
    assert [run["state"] for run in runs] == ["finished"] * 4
    assert {str(line["run"]): line["value"] for line in installation.export(sweep, "observation")} == x
    best = installation.json("best", sweep)
    assert (best["value"], best["run"]) == (max(x.values()), max(x, key=lambda run: x[run]))
    listed = json.loads(installation.ctl("runs", sweep, "-o", "json").stdout)
    assert {run["run"]: run["value"] for run in listed} == x
    stored = installation.json("get", str(runs[0]["run"]))
    assert stored["loggedKeys"] == ["eval.acc", "other"]
    origins = {run["number"]: run["provenance"] for run in listed}
    fresh = {number: origin for number, origin in origins.items() if origin["source"] == "fresh"}
    assert {number: origin["observationsSeen"] for number, origin in fresh.items()} == {
        number: number - 1 for number in fresh
    }

    file = installation.write("next.yaml", sweep_file(wait=False).replace("bayes", "random"))
    made = installation.json("create", str(file), "--prior-sweep", sweep)
    report = made["priorRuns"]
    assert isinstance(report, dict)
    assert (report["taken"], report["unsuitable"]) == (4, 0)
    priors = installation.export(str(made["name"]), "prior")
    assert sorted(line["value"] for line in priors) == sorted(x.values())  # type: ignore[type-var]


def test_an_objective_in_the_summary_is_synced_from_the_folder_of_a_killed_agent(
    installation: Installation,
) -> None:
    installation.join_server()
    installation.write("train.py", IN_SUMMARY)
    sweep = installation.create(sweep_file(wait=True))
    agent = installation.start_agent(sweep, state="left")
    until(lambda: (installation.work / "ready").exists(), within=20, what="the summary is set")
    agent.process.kill()
    agent.process.wait()
    (installation.work / "go").touch()
    folder = installation.folder / "left"
    until(lambda: list(folder.glob("runs/*/exit")), within=20, what="the run has ended")
    installation.ctl("sync", str(folder))
    (line,) = installation.export(sweep, "observation")
    run = installation.json("get", str(line["run"]))
    assert (run["state"], run["value"]) == ("finished", run["params"]["x"])  # type: ignore[index]


def test_a_standalone_run_that_its_script_marks_as_failed_has_failed(installation: Installation) -> None:
    installation.join_server()
    script = installation.write(
        "alone.py",
        "import sweepd\nsweepd.init(id='alone').finish(exit_code=256 + 3)\n",
    )
    environment = installation.environment
    subprocess.run([sys.executable, str(script)], cwd=installation.folder, env=environment, check=True)
    installation.ctl("sync", *map(str, (installation.folder / "sweepd-runs").iterdir()))
    run = installation.json("get", "alone/alone")
    assert (run["state"], run["attempts"][0]["exit"]["code"]) == ("failed", 3)  # type: ignore[index]
