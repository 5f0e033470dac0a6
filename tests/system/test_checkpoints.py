"""Checkpoints and preemption: a run that loses its machine continues on another; P2."""

from __future__ import annotations

import json
import os
import signal

import pytest

from system.installation import Installation
from system.promises import SHORT, attempts, runs, sweep
from waiting import until

STEPS = 10


def curve(installation: Installation, run: object, key: str) -> list[tuple[object, object]]:
    """Return the steps and values of a key that `history` shows for a run."""
    rows = json.loads(installation.ctl("history", str(run), "--key", key, "-o", "json").stdout)
    return [(row["step"], row["values"][key]) for row in rows]


def assert_complete_curve(installation: Installation, run: object, *, resumed_at: int) -> None:
    """Check that the curve of two attempts has no gap and no repeated step."""
    assert curve(installation, run, "loss") == [(step, 1 / (step + 1)) for step in range(STEPS)]
    by = [1] * resumed_at + [2] * (STEPS - resumed_at)
    assert curve(installation, run, "from_attempt") == list(enumerate(by))


def resumed_from(run: dict[str, object]) -> list[object]:
    """Return the step at which each attempt of a run resumed."""
    listed = run["attempts"]
    assert isinstance(listed, list)
    return [attempt["resumedFromStep"] for attempt in listed]


def points(installation: Installation, name: str) -> int:
    """Return the number of stored losses."""
    return sum(point["key"] == "loss" for point in installation.export(name, "point"))


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_run_resumes_from_its_checkpoint_on_another_agent(installation: Installation, how: str) -> None:
    """The agent is lost in the fifth step; the checkpoint has three steps."""
    installation.join_server(*SHORT)
    (installation.work / "hold-5").touch()
    allowed = 1 if how == "SIGKILL" else 0  # a handed-back attempt is not charged
    name = installation.create(sweep("checkpointing.py") + f"retry: {{infrastructure: {allowed}}}\n")
    shared = ("--checkpoint-root", str(installation.folder / "shared"), "--storage", "nfs")
    first = installation.start_agent(name, "--grace", "1s", *shared, state="first")
    until(lambda: points(installation, name) == 5)
    first.process.send_signal(getattr(signal, how))
    first.process.wait(20)
    if how == "SIGKILL":  # all processes of its machine
        os.kill(int(str(first.events("run_started")[0]["run_pid"])), signal.SIGKILL)
    (installation.work / "hold-5").unlink()
    second = installation.start_agent(name, *shared, state="second")
    assert second.process.wait(60) == 0, second.log()[-2000:]
    (run,) = runs(installation, name)
    ended = "ended" if how == "SIGTERM" else "lost"
    assert (run["state"], attempts(run)) == ("finished", [(1, ended), (2, "ended")])
    assert_complete_curve(installation, run["run"], resumed_at=3)
    assert resumed_from(run) == [None, 2]
    output = installation.ctl("explain", str(run["run"])).stdout
    assert "it resumes from a checkpoint that holds everything up to step 2" in output


def test_a_run_that_marks_its_preemption_is_retried_without_charge(
    installation: Installation,
) -> None:
    """Its process exits with code 1, and `retry` allows no retries."""
    installation.join_server(*SHORT)
    (installation.work / "preempt-7").touch()
    name = installation.create(sweep("checkpointing.py") + "retry: {infrastructure: 0, failure: 0}\n")
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    (run,) = runs(installation, name)
    assert (run["state"], attempts(run)) == ("finished", [(1, "ended"), (2, "ended")])
    assert_complete_curve(installation, run["run"], resumed_at=6)


def test_iterations_are_counted_across_attempts(installation: Installation) -> None:
    """After three in the first attempt, the fifth iteration of the second is the eighth, which stops it."""
    installation.join_server(*SHORT)
    (installation.work / "preempt-4").touch()
    (installation.work / "hold-8").touch()  # the trial waits there
    text = sweep("checkpointing.py") + "early_terminate: {type: threshold, at: 8, value: 0.01}\n"
    name = installation.create(text)
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    (run,) = runs(installation, name)
    assert (run["state"], attempts(run)) == ("stopped", [(1, "ended"), (2, "ended")])
    shown = installation.json("get", str(run["run"]))
    assert shown["iterations"] == 8
