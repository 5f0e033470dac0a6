"""The life cycle of a run under an undisturbed agent."""

from __future__ import annotations

import json
import sys
import time

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from waiting import until

TRAIN = """
import json, os, sys
print("hello from the trial", sys.argv[1:])
print("to stderr", file=sys.stderr)
rows = open(os.environ["SWEEPD_METRICS_FILE"], "a")
for step in range(10):
    rows.write(json.dumps({"_step": step, "loss": 1 / (step + 1), "group": {"acc": step}}) + "\\n")
    rows.flush()
"""


def test_a_run_is_started_and_reported_and_its_folder_is_removed(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("train.py", TRAIN)
    run = scheduler.add(params={"lr": 0.1, "n": 3}, program="train.py")
    agent = machine.start("--interpreter", sys.executable, "--count", "1")
    attempt = scheduler.ended(run)
    assert agent.ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_EXITED
    assert attempt.exit.exit.code == 0
    assert attempt.exit.last_row == 10
    assert list(attempt.exit.logged_keys) == ["group.acc", "loss"]
    assert attempt.observations == [(row, 0, 1 / row) for row in range(1, 11)]
    assert {key: value for key, value in attempt.points.items() if key[1] == "group.acc"} == {
        (row, "group.acc"): row - 1 for row in range(1, 11)
    }
    assert attempt.argv == ["/usr/bin/env", sys.executable, "train.py", "--lr=0.1", "--n=3"]
    assert b"hello from the trial ['--lr=0.1', '--n=3']" in attempt.log
    assert b"to stderr" in attempt.log
    assert not list((machine.state / "runs").iterdir())
    assert not machine.processes()


def test_without_adoption_a_run_continues_while_its_agent_is_alive(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    run = scheduler.add("sleep", "1.5")  # longer than the interval between two checks of its supervisor
    agent = machine.start("--no-adopt", "--count", "1")
    attempt = scheduler.ended(run)
    assert agent.ended() == 0
    assert attempt.exit is not None
    assert (attempt.exit.exit.cause, attempt.exit.exit.code) == (v1.EXIT_CAUSE_EXITED, 0)


def test_the_log_has_machine_readable_events(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("train.py", TRAIN)
    run = scheduler.add(params={"lr": 0.1}, program="train.py")
    agent = machine.start("--interpreter", sys.executable, "--count", "1")
    assert agent.ended() == 0
    kinds = [event["event"] for event in agent.events()]
    assert kinds[0] == "connected"
    assert [kind for kind in kinds if kind != "metrics_acked"] == [
        "connected",
        "run_started",
        "run_ended",
        "draining",
        "result_acked",
        "exiting",
    ]
    for event in agent.events():
        assert {"time", "mono", "agent", "pid"} <= event.keys()
    started = agent.events("run_started")[0]
    assert started["run"] == run
    assert started["sweep"] == "local/demo/tune"
    assert started["params"] == {"lr": 0.1}
    assert started["requeue_after_s"] == scheduler.lost_after
    assert str(started["assigned_time"]).endswith("Z")
    acked = agent.events("metrics_acked")[-1]
    assert acked["observation_row"] == 10
    assert isinstance(acked["rtt_ms"], float)
    assert agent.events("result_acked")[0]["state"] == "finished"
    assert agent.events("exiting")[0]["exit_code"] == 0
    assert json.dumps(agent.events())


def test_a_run_folder_is_kept_for_the_retention_time(scheduler: ScriptedScheduler, machine: Machine) -> None:
    run = scheduler.add("true")
    machine.start("--keep", "500ms", "--no-context")
    attempt = scheduler.ended(run)
    until(lambda: not list((machine.state / "runs").iterdir()))
    assert time.monotonic() - attempt.ended_at > 0.5
