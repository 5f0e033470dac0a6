"""Section 14, `when`, `repeats`: the configuration of a script under a real agent."""

from __future__ import annotations

import json

from system.installation import Installation

SCRIPT = """
import argparse, json, os, pathlib, sweepd
parser = argparse.ArgumentParser()
for name in ("lr", "momentum", "batch"):
    parser.add_argument(f"--{name}", type=float, default=-1.0)
parser.add_argument("--opt")
arguments = parser.parse_args()
run = sweepd.init(config=arguments)
given = run.config.as_dict()
run.config.setdefaults({"adam": {"beta": 0.5, "eps": 1e-8}, "batch": 7, "epochs": 3})
run.config.lr = 100.0
run.config.update({"lr": 200.0, "batch": 64}, allow_val_change=True)
run.config["momentum"] = 0.25
seen = {
    "params": json.loads(pathlib.Path(os.environ["SWEEPD_PARAMS_FILE"]).read_text()),
    "given": given,
    "config": run.config.as_dict(),
    "repeat": [os.environ["SWEEPD_REPEAT"], run.repeat],
}
pathlib.Path(f"seen-{run.id.rpartition('-')[2]}.json").write_text(json.dumps(seen))
run.log({"loss": run.config.lr})
"""
SWEEP = """
program: train.py
method: grid
repeats: 2
metric: {name: loss}
parameters:
  opt: {values: [sgd, adam]}
  lr: {values: [0.5]}
  momentum: {values: [0.9], when: opt == 'sgd'}
  adam: {when: opt == 'adam', parameters: {beta: {value: 0.99}}}
command: [python, "${program}", "--lr=${lr}", "--momentum=${momentum}", "--opt", "${opt}"]
"""


def test_active_parameters_take_precedence_over_the_defaults_of_the_script(
    installation: Installation,
) -> None:
    installation.write("train.py", SCRIPT)
    installation.start_server()
    name = installation.create(SWEEP)
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    report = [json.loads((installation.work / f"seen-{run}.json").read_text()) for run in (1, 2, 3, 4)]
    assert [one["repeat"] for one in report] == [["0", 0], ["1", 1], ["0", 0], ["1", 1]]
    sgd, adam = report[0], report[2]
    assert sgd["params"] == {"lr": 0.5, "momentum": 0.9, "opt": "sgd"}
    assert adam["params"] == {"adam": {"beta": 0.99}, "lr": 0.5, "opt": "adam"}
    # Command line and `init` only give defaults for missing parameters.
    assert sgd["given"] == {"lr": 0.5, "momentum": 0.9, "opt": "sgd", "batch": -1.0}
    assert adam["given"] == {
        "lr": 0.5,
        "momentum": -1.0,
        "opt": "adam",
        "batch": -1.0,
        "adam": {"beta": 0.99},
    }
    # Parameters of the sweep cannot be changed by the script; others can.
    assert sgd["config"] == {
        "lr": 0.5,
        "momentum": 0.9,
        "opt": "sgd",
        "batch": 64,
        "epochs": 3,
        "adam": {"beta": 0.5, "eps": 1e-8},
    }
    assert adam["config"] == {
        "lr": 0.5,
        "momentum": 0.25,
        "opt": "adam",
        "batch": 64,
        "epochs": 3,
        "adam": {"beta": 0.99, "eps": 1e-8},
    }
