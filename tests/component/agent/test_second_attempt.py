"""Inputs of a second attempt at a run: those of the first one, byte for byte."""

from __future__ import annotations

import json
import sys

import pytest

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from waiting import content_of, until

REPORTS = """
import json, os, pathlib, sys, time
told = {"environ": dict(os.environ), "argv": sys.argv, "cwd": os.getcwd()}
for name in ("SWEEPD_PARAMS_FILE", "SWEEPD_SWEEP_PARAM_PATH"):
    told[name] = pathlib.Path(os.environ[name]).read_text()
told["args.json"] = pathlib.Path(sys.argv[1]).read_text()
name = f"told.{os.environ['SWEEPD_ATTEMPT']}"
pathlib.Path(f".{name}").write_text(json.dumps(told))
os.rename(f".{name}", name)
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
"""
PARAMS: dict[str, object] = {
    "z": 1e22,
    "opt": {"lr": 1e-05, "deep": {"b": None, "a": [1, "x", 2.5]}},
    "flag": True,
    "s": "a b\n'$HOME' \u00fc \x01",
    "n": 3,
}
ITEMS = (
    "${args_json_file}",
    "${args}",
    "${args_flat}",
    "--repeat=${repeat}",
    "${args_json}",
    "${envvar:HOME}",
)
# The only differences: the folder of the attempt, its number, and where it runs.
OF_THE_ATTEMPT = {
    "SWEEPD_RUN_DIR",
    "SWEEPD_METRICS_FILE",
    "SWEEPD_PARAMS_FILE",
    "SWEEPD_SWEEP_PARAM_PATH",
    "SWEEPD_ATTEMPT",
    "SWEEPD_SLOT",
    "CUDA_VISIBLE_DEVICES",
}


def inputs_of(machine: Machine, attempt: int) -> dict[str, object]:
    path = machine.folder / f"told.{attempt}"
    document: dict[str, object] = json.loads(content_of(path))
    return document


@pytest.mark.parametrize("another_agent", [False, True])
def test_a_second_attempt_gets_the_same_inputs_as_the_first(
    scheduler: ScriptedScheduler,
    machine: Machine,
    another_agent: bool,
) -> None:
    """Section 10: after kill -9 of the agent, on its successor or on an agent with another folder."""
    machine.write("tell.py", REPORTS)
    command = (sys.executable, "tell.py", *ITEMS)
    scheduler.add_attempt(7, *command, params=PARAMS, repeat=2)
    agent = machine.start("--no-adopt", "--gpus-per-run", "1", "--gpus", "0")
    first = inputs_of(machine, 1)
    agent.kill()
    until(lambda: not machine.processes())
    scheduler.add_attempt(7, *command, params=PARAMS, repeat=2, attempt=2)
    state = ("--state", str(machine.folder / "other")) if another_agent else ()
    agent = machine.start(*state, "--slots", "2", "--gpus-per-run", "1", "--gpus", "3,4")
    second = inputs_of(machine, 2)
    (machine.folder / "enough").touch()
    environs = [one.pop("environ") for one in (first, second)]
    of_the_agent = OF_THE_ATTEMPT | ({"SWEEPD_CHECKPOINT_DIR"} if another_agent else set())
    same = []
    for environ in environs:
        assert isinstance(environ, dict)
        assert of_the_agent <= environ.keys()
        assert environ["SWEEPD_REPEAT"] == "2"
        same.append({name: value for name, value in environ.items() if name not in of_the_agent})
    assert same[0] == same[1]
    argvs = [one.pop("argv") for one in (first, second)]
    files = []
    for argv in argvs:
        assert isinstance(argv, list)
        files.append(argv.pop(1))  # within the folder of the attempt
    assert files[0] != files[1]
    assert argvs[0] == argvs[1]
    assert isinstance(argvs[0], list)
    assert "--repeat=2" in argvs[0]
    assert first == second
