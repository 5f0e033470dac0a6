"""Section 10: every attempt of a run gets the same inputs, whichever agent starts it."""

from __future__ import annotations

import json

import pytest

from processes import alive
from system.installation import TRIALS, Installation
from system.promises import SHORT, attempts, number, runs
from waiting import content_of, until

SWEEP = f"""
program: {TRIALS / "inputs.py"}
command: [python, "${{program}}", "${{args_json_file}}", "${{args}}", "${{args_flat}}",
          "--at=${{agent.labels.site}}", "${{repeat}}"]
method: random
seed: 7
run_cap: 1
metric: {{name: loss}}
parameters:
  lr: {{distribution: log_uniform_values, min: 1.0e-7, max: 1.0e+3}}
  name: {{value: "a b\\n'$HOME' ü"}}
  opt:
    parameters:
      z: {{values: [1, 2, 3]}}
      a: {{parameters: {{deep: {{min: 0.0, max: 1.0}}, flag: {{value: true}}, none: {{value: null}}}}}}
      list: {{value: [1, x, 2.5]}}
"""
# Variables that may differ: folders, the number of the attempt, and the machine.
OF_THE_ATTEMPT = (
    "SWEEPD_RUN_DIR",
    "SWEEPD_METRICS_FILE",
    "SWEEPD_PARAMS_FILE",
    "SWEEPD_SWEEP_PARAM_PATH",
    "SWEEPD_ATTEMPT",
    "SWEEPD_SLOT",
    "CUDA_VISIBLE_DEVICES",
)


def inputs_of(installation: Installation, attempt: int) -> dict[str, object]:
    path = installation.work / f"inputs-1.{attempt}"
    document: dict[str, object] = json.loads(content_of(path))
    return document


@pytest.mark.parametrize("same_agent", [True, False])
def test_the_second_attempt_gets_the_inputs_of_the_first_byte_for_byte(
    installation: Installation, same_agent: bool
) -> None:
    """The agent is killed, and the run is handed out again, to an agent on the same folder or another one."""
    installation.join_server(*SHORT)
    name = installation.create(SWEEP)
    flags = ("--label", "site=here", "--gpus-per-run", "1", "--gpus")
    killed = installation.start_agent(name, "--no-adopt", *flags, "0", state="one")
    first = inputs_of(installation, 1)
    until(lambda: killed.events("run_started"), what="the agent says so, too")
    killed.process.kill()
    killed.process.wait()
    (begun,) = killed.events("run_started")
    until(lambda: not alive(number(begun, "run_pid")), what="the trial ends, so that no agent can adopt it")
    state = "one" if same_agent else "two"
    agent = installation.start_agent(name, "--slots", "2", *flags, "3,4", state=state)
    second = inputs_of(installation, 2)
    (installation.work / "release").touch()
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    (run,) = runs(installation, name)
    assert [attempt for attempt, _ in attempts(run)] == [1, 2]
    same(first, second, same_agent=same_agent)


def test_edits_retries_and_restarts_do_not_change_the_inputs_of_a_run(installation: Installation) -> None:
    """The run was stopped, its sweep has ended and was edited, and a command hands the run out again."""
    server = installation.start_server(*SHORT)
    name = installation.create(SWEEP)
    flags = ("--label", "site=here", "--gpus-per-run", "1", "--gpus", "0")
    agent = installation.start_agent(name, *flags, state="one")
    first = inputs_of(installation, 1)
    (run,) = runs(installation, name)
    installation.ctl("stop", str(run["run"]))
    assert agent.process.wait(30) == 0, "its sweep has had all its runs"
    server.stop()
    installation.start_server(*SHORT)
    labels = (
        "--name",
        "renamed",
        "--description",
        "ü",
        "--tag",
        "t",
        "--metadata",
        "args=--x",
        "--run-cap",
        "3",
    )
    installation.ctl("edit", name, *labels)
    installation.ctl("retry", str(run["run"]))
    agent = installation.start_agent(name, *flags, "--count", "1", state="one")
    second = inputs_of(installation, 2)
    (installation.work / "release").touch()
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    same(first, second, same_agent=True)


def same(first: dict[str, object], second: dict[str, object], *, same_agent: bool) -> None:
    """Assert that two attempts got equal inputs, byte for byte."""
    differing = (*OF_THE_ATTEMPT, *(() if same_agent else ("SWEEPD_CHECKPOINT_DIR",)))
    seen = []
    for one in (first, second):
        environ, argv = one.pop("environ"), one.pop("argv")
        assert isinstance(environ, dict)
        assert isinstance(argv, list)
        assert set(differing) <= environ.keys()
        assert not {"SWEEPD_TOKEN", "SWEEPD_ADDRESS"} & environ.keys()
        for variable in differing:
            del environ[variable]
        del argv[1]  # the file of `${args_json_file}` is in the folder of the attempt
        seen.append((environ, argv, one))
    assert seen[0] == seen[1]
    assert seen[0][1][-2:] == ["--at=here", "0"]
    assert (first["stdin"], first["leader"]) == ("", True)
