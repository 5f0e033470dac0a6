"""Details that a script writes into its run folder reach the scheduler despite lost connections."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from component.agent.agent_processes import Machine
from component.agent.handed_out import Attempt
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from sweepd.codec.details import plain_map
from waiting import until

SETS_DETAILS = """
import json, os, pathlib, sys, time
folder = pathlib.Path(os.environ["SWEEPD_RUN_DIR"])

def say(**document):
    (folder / ".details").write_text(json.dumps(document))
    os.replace(folder / ".details", folder / "details.json")

def wait_for(name):
    while not pathlib.Path(name).exists():
        time.sleep(0.02)
"""
TWICE = f"""{SETS_DETAILS}
say(name="first", config={{"lr": 0.1, "own": float("nan")}}, tags=["a"])
wait_for("go")
say(name="second", summary={{"acc": 0.5}}, preempting=True)
wait_for("end")
"""
AT_THE_END = f"""{SETS_DETAILS}
say(name="last words", resumed_from_step=7)
"""
ENDED = f"""{SETS_DETAILS}
say(summary={{"loss": 0.5, "size": {{"end": 3}}}}, figures={{"acc": {{"mean": 0.75}}, "loss": {{"min": 9}}}})
wait_for("go")
summary = {{"loss": 0.25, "size": {{"end": 4}}, "flag": True}}
say(summary=summary, figures={{"acc": {{"mean": 0.5}}}}, exit_code=3)
wait_for("end")
sys.exit(CODE)
"""
BROKEN = f"""{SETS_DETAILS}
(folder / "details.json").write_text("[1, 2")
wait_for("go")
say(name="mended")
"""


def reported_details(attempt: Attempt) -> list[v1.RunDetails]:
    return [details for _, details in attempt.details]


def test_each_change_is_reported_and_the_newest_counts(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("say.py", TWICE)
    run = scheduler.add(sys.executable, "say.py")
    agent = machine.start("--count", "1")
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: any(details.display_name == "first" for details in reported_details(attempt)))
    (machine.folder / "go").touch()
    scheduler.until(lambda: any(details.display_name == "second" for details in reported_details(attempt)))
    (machine.folder / "end").touch()
    assert agent.ended() == 0
    numbers = [number for number, _ in attempt.details]
    assert numbers == sorted(set(numbers))
    last = reported_details(attempt)[-1]
    assert (last.display_name, last.preempting, plain_map(last.summary)) == ("second", True, {"acc": 0.5})
    assert not last.HasField("config"), "a report has all details, not only the changes"


def test_details_set_just_before_the_end_are_reported(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("say.py", AT_THE_END)
    run = scheduler.add(sys.executable, "say.py")
    assert machine.start("--count", "1").ended() == 0
    last = reported_details(scheduler.attempt(run))[-1]
    assert (last.display_name, last.resumed_from_step) == ("last words", 7)


@pytest.mark.parametrize("code", [0, 1])
def test_the_exit_code_and_the_summary_that_a_script_set_are_reported_after_the_agent_was_killed(
    scheduler: ScriptedScheduler, machine: Machine, code: int
) -> None:
    scheduler.watched = ["size.end", "acc.mean", "flag", "loss", "other"]
    machine.write("say.py", ENDED.replace("CODE", str(code)))
    run = scheduler.add(sys.executable, "say.py")
    agent = machine.start()
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: reported_details(attempt))
    agent.kill()
    for name in ("go", "end"):
        (machine.folder / name).touch()
    until(lambda: list(machine.state.glob("runs/*/exit")), within=10, what="the process has ended")
    assert machine.start("--count", "1").ended() == 0
    assert attempt.exit is not None
    ended = attempt.exit.exit
    assert (ended.cause, ended.code, ended.signal) == (v1.EXIT_CAUSE_EXITED, 3, 0)
    assert ended.message == "the script ended the run with exit code 3"
    assert [(each.key, each.value) for each in attempt.exit.summary_values] == [(0, 4.0), (1, 0.5), (3, 0.25)]
    assert list(attempt.exit.logged_keys) == ["loss", "size.end"]


def test_a_stop_takes_precedence_over_the_exit_code_that_a_script_set(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("say.py", ENDED)
    (machine.folder / "go").touch()
    run = scheduler.add(sys.executable, "say.py")
    agent = machine.start("--count", "1")
    attempt = scheduler.attempt(run)
    scheduler.until(
        lambda: any("flag" in plain_map(details.summary) for details in reported_details(attempt))
    )
    scheduler.stop_run(attempt, v1.STOP_MODE_TERMINATE)
    assert agent.ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_COMMANDED


def test_another_agent_reports_details_again_under_a_higher_number(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("say.py", TWICE)
    run = scheduler.add(sys.executable, "say.py")
    agent = machine.start()
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: any(details.display_name == "first" for details in reported_details(attempt)))
    agent.kill()
    before = max(number for number, _ in attempt.details)
    (machine.folder / "go").touch()
    agent = machine.start("--count", "1")
    scheduler.until(lambda: any(details.display_name == "second" for details in reported_details(attempt)))
    assert all(number > before for number, details in attempt.details if details.display_name == "second")
    (machine.folder / "end").touch()
    assert agent.ended() == 0


def test_details_lost_with_a_stream_are_reported_on_the_next(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("say.py", TWICE)
    run = scheduler.add(sys.executable, "say.py")
    agent = machine.start("--count", "1")
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: any(details.display_name == "first" for details in reported_details(attempt)))
    scheduler.stop()
    (machine.folder / "go").touch()
    (machine.folder / "end").touch()
    scheduler.start()
    assert agent.ended(within=30) == 0
    assert reported_details(attempt)[-1].display_name == "second"


def test_a_broken_details_file_is_warned_of_once_and_the_run_continues(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("say.py", BROKEN)
    run = scheduler.add(sys.executable, "say.py")
    agent = machine.start("--count", "1")
    scheduler.until(lambda: warnings(machine))
    (machine.folder / "go").touch()
    assert agent.ended() == 0
    attempt = scheduler.ended(run)
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 0
    assert reported_details(attempt)[-1].display_name == "mended"
    assert len(warnings(machine)) == 1


def test_a_scheduler_without_support_for_details_is_sent_none(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """It answers Unsupported; runs end as before, and nothing waits for that report."""
    scheduler.takes_only_rows = True
    machine.write("say.py", AT_THE_END)
    runs = [scheduler.add(sys.executable, "say.py") for _ in range(3)]
    assert machine.start("--count", "3").ended() == 0
    assert all(scheduler.ended(run).details == [] for run in runs)
    reported = [report for report in scheduler.reports if report.HasField("details")]
    assert len(reported) <= 2, "after Unsupported, no more are sent"
    assert not list(runs_left(machine.state))


def warnings(machine: Machine) -> list[str]:
    lines = (machine.folder / "agent-1.log").read_text().splitlines()
    return [line for line in lines if "details.json" in line]


def runs_left(state: Path) -> list[Path]:
    return [folder for folder in (state / "runs").iterdir() if not (folder / "delivered").exists()]
