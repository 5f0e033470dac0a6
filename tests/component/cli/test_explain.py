"""Explanations of `explain`, and the files that `propose-config` writes."""

from __future__ import annotations

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from sweepd.codec.values import point_message
from sweepd.spec.parse import parse_text
from unit.cli.messages import NAME, a_run, a_sweep, a_time


@pytest.fixture(autouse=True)
def _a_sweep(server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME] = a_sweep()


def test_explain_shows_why_a_stopped_run_was_tried_and_why_it_was_stopped(
    ctl: Ctl, server: ScriptedServer
) -> None:
    run = a_run(7, state=v1.RUN_STATE_STOPPED, value=0.61)
    run.provenance.CopyFrom(
        v1.Provenance(
            source=v1.POINT_SOURCE_FRESH,
            index=7,
            observations_seen=12,
            engine="gp 1.0",
            seed=3,
            predicted_value=0.5,
            predicted_deviation=0.125,
        )
    )
    run.verdicts.add(
        rule="hyperband", rung=9, value=0.61, threshold=0.55, rank=4, compared=6, decide_time=a_time(9)
    )
    server.sweeps.runs[run.name] = run
    server.sweeps.events = [
        v1.RunEvent(time=a_time(1), kind="run-assigned", attempt=1, detail="agent-1 on box"),
        v1.RunEvent(time=a_time(9), kind="run-stopped", detail="bad \x1b[31m"),
    ]
    shown = ctl("explain", "k3x9v2ab:7").out
    assert "suggested for this hand-out by gp 1.0, seed 3, for run 7" in shown
    assert "the search had seen 12 values" in shown
    assert "predicted value: 0.5 ± 0.125" in shown
    judged = "hyperband at iteration 9: 0.61 is worse than 0.55, the threshold of this rung (rank 4 of 6)"
    assert judged in shown
    assert "/usr/bin/env python train.py --lr=0.5" in shown
    assert "attempt 1  run-assigned: agent-1 on box" in shown
    assert "\x1b" not in shown
    assert "Why it waits" not in shown
    document = ctl("explain", "k3x9v2ab:7", "-o", "json").json
    assert isinstance(document, dict)
    assert document["run"] == run.name
    assert document["events"] == [
        {
            "time": "2023-11-14T22:13:21Z",
            "kind": "run-assigned",
            "attempt": 1,
            "detail": "agent-1 on box",
        },
        {"time": "2023-11-14T22:13:29Z", "kind": "run-stopped", "attempt": None, "detail": "bad \x1b[31m"},
    ]
    assert document["obstacles"] == []


def test_explain_shows_the_cause_of_failure_of_each_attempt(ctl: Ctl, server: ScriptedServer) -> None:
    run = a_run(1, state=v1.RUN_STATE_FAILED)
    run.attempts[0].exit.CopyFrom(v1.Exit(cause=v1.EXIT_CAUSE_SIGNALED, signal=9, message="killed"))
    run.attempts.add(number=2, agent="agent-2", host="den", state=v1.ATTEMPT_STATE_LOST, reason="silent")
    server.sweeps.runs[run.name] = run
    shown = ctl("explain", run.name).out
    assert "1  on box, agent agent-1: ended, signal 9; killed" in shown
    assert "2  on den, agent agent-2: lost; silent" in shown


def test_explain_shows_why_a_run_is_waiting(ctl: Ctl, server: ScriptedServer) -> None:
    run = a_run(1, state=v1.RUN_STATE_PENDING)
    server.sweeps.runs[run.name] = run
    server.sweeps.obstacles = [
        v1.Obstacle(kind=v1.OBSTACLE_KIND_NO_AGENT, message="no agent serves the sweep; start one")
    ]
    assert "no-agent: no agent serves the sweep; start one" in ctl("explain", run.name).out
    lines = ctl("explain", run.name, "-o", "jsonl").lines
    assert lines[0]["obstacles"] == [{"kind": "no-agent", "message": "no agent serves the sweep; start one"}]


def test_explain_shows_the_obstacles_of_a_sweep_or_that_there_are_none(
    ctl: Ctl, server: ScriptedServer
) -> None:
    assert "nothing: it hands out runs as agents request them" in ctl("explain", "k3x9v2ab").out
    server.sweeps.obstacles = [v1.Obstacle(kind=v1.OBSTACLE_KIND_PAUSED, message="resume it")]
    assert "paused: resume it" in ctl("explain", NAME).out
    document = ctl("explain", NAME, "-o", "json").json
    assert isinstance(document, dict)
    assert (document["name"], document["obstacles"]) == (NAME, [{"kind": "paused", "message": "resume it"}])
    ctl("explain", "local/train/nope", code=3)


def test_a_file_is_proposed_from_all_runs_of_a_project(ctl: Ctl, server: ScriptedServer) -> None:
    other = a_sweep("local/train/other")
    other.spec.program = "old.py"
    server.sweeps.sweeps[other.name] = other
    server.sweeps.sweeps["local/else/third"] = a_sweep("local/else/third")
    for number in range(1, 8):
        run = a_run(number, value=1 / number, params={"lr": 10.0**-number, "layers": number, "act": "relu"})
        server.sweeps.runs[run.name] = run
    last = a_run(1, sweep=other.name, value=9.0, params={"lr": 0.5, "layers": 9, "act": "relu"})
    server.sweeps.runs[last.name] = last
    server.sweeps.prior.taken = 8
    done = ctl("propose-config", "--project", "train")
    parsed = parse_text(done.out.encode(), file="sweep.yaml")
    assert parsed.spec is not None, parsed.diagnostics
    assert parsed.spec.method.name == "bayes"
    assert (parsed.spec.entity, parsed.spec.project) == (None, "train")
    assert parsed.spec.program == "train.py"
    assert parsed.spec.metric is not None
    assert parsed.spec.metric.name == "val_loss"
    assert "over 6.7 orders of magnitude, in 8 runs; the best run had 1e-07" in done.out
    assert "# 1 to 9 in 8 runs; the best run had 7" in done.out
    create = "Create it, seeded with {}:  sweepctl create sweep.yaml"
    finished = "--filter state=finished"
    assert done.err.splitlines() == [
        "note: the program differs between runs; using train.py (7 runs); others: old.py (1)",
        f"{create.format('these runs')} --prior-project local/train {finished}",
    ]
    assert (
        f"# To start from these runs: sweepctl create sweep.yaml --prior-project local/train {finished}"
        in done.out
    )
    server.sweeps.prior.taken = 5
    one = ctl("propose-config", "--project", "local/train", "--sweep", "k3x9v2ab", "--method", "grid")
    assert one.err.splitlines() == [
        "note: the grid has 49 points",
        f"{create.format('5 of these 7 runs')} --prior-sweep {NAME} {finished}",
    ]
    grid = parse_text(one.out.encode(), file="sweep.yaml")
    assert grid.spec is not None
    assert grid.spec.search_space.grid.size == 49


def test_a_proposal_does_not_count_runs_that_do_not_fit_it(ctl: Ctl, server: ScriptedServer) -> None:
    for number, state in ((1, v1.RUN_STATE_FINISHED), (2, v1.RUN_STATE_RUNNING)):
        run = a_run(number, params={"lr": number / 4}, state=state)
        server.sweeps.runs[run.name] = run
    left_out = v1.UnsuitableRun(run=NAME, reason="it never logged `loss` as a finite number")
    server.sweeps.prior.unsuitable_runs.append(left_out)
    for states, why in (
        (
            ["finished"],
            "none of these runs is suitable as a prior run: it never logged `loss` as a finite number",
        ),
        (["running"], "runs that have not ended cannot be prior runs"),
    ):
        done = ctl("propose-config", "--sweep", NAME, *(f"--state={state}" for state in states))
        assert f"note: {why}" in done.err
        assert done.err.endswith("Create it:  sweepctl create sweep.yaml\n")
        assert "To start from" not in done.out
        assert "seeded" not in done.err
    (asked,) = server.sweeps.requests
    assert isinstance(asked, v1.PreviewSweepRequest)
    assert (list(asked.prior_runs.sweeps), asked.count) == ([NAME], 0)
    server.sweeps.curves_away = True
    unsure = ctl("propose-config", "--sweep", NAME)
    assert "Create it, seeded with the suitable ones of these runs:  sweepctl create" in unsure.err


def test_a_proposal_names_its_objective(ctl: Ctl, server: ScriptedServer) -> None:
    for number in (1, 2):
        run = a_run(number, value=0.5, params={"lr": number / 4})
        server.sweeps.runs[run.name] = run
    done = ctl("propose-config", "--sweep", "k3x9v2ab", "--metric", "acc")
    assert "metric: {name: acc, goal: minimize}" in done.out
    assert "no run has the objective acc" in done.err
    assert "the best run" not in done.out


def test_a_proposal_that_is_impossible_is_an_error(ctl: Ctl, server: ScriptedServer) -> None:
    assert "pass --project" in ctl("propose-config", code=2).err
    assert "pass --project" in ctl("propose-config", "--project", "/", code=2).err
    assert "no sweep in the project nope" in ctl("propose-config", "--project", "nope", code=3).err
    assert f"{NAME} has no run that is finished" in ctl("propose-config", "--project", "train", code=3).err
    output = ctl("propose-config", "--project", "other", "--sweep", NAME, code=2).err
    assert f"{NAME} does not belong to the project other" in output
    run = a_run(1, params={"lr": 0.5})
    server.sweeps.runs[run.name] = run
    done = ctl("propose-config", "--sweep", NAME)
    assert "there is nothing to search" in done.err
    assert "method: random" in done.out
    assert "nothing-to-search" not in done.err
    assert (
        "bayes needs a parameter" in ctl("propose-config", "--sweep", NAME, "--method", "bayes", code=5).err
    )


def test_a_project_is_not_mistaken_for_one_whose_name_has_the_same_ending(ctl: Ctl) -> None:
    ctl("propose-config", "--project", "rain", code=3)


def test_a_proposal_can_use_standalone_runs(server: ScriptedServer, ctl: Ctl) -> None:
    for number, rate in enumerate((0.5, 0.25, 0.125)):
        name = f"local/byhand/abcdefg{number}"
        server.sweeps.runs[name] = v1.Run(
            name=name,
            state=v1.RUN_STATE_FINISHED,
            parameters=point_message({"lr": rate}),
            attempts=[v1.Attempt(number=1, argv=["python", "fit.py"])],
        )
    server.sweeps.prior.taken = 3
    proposed = ctl("propose-config", "--project", "byhand", "--metric", "loss")
    assert "project: byhand" in proposed.out
    assert "program: fit.py" in proposed.out
    assert "# Proposed from 3 runs (finished) by sweepctl propose-config." in proposed.out
    assert proposed.err.splitlines()[-1] == (
        "Create it, seeded with these runs:  "
        "sweepctl create sweep.yaml --prior-project local/byhand --filter state=finished"
    )
