"""End of runs of functions: displayed messages and stored details."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from system.functions.callers import Caller, Home, states


def test_an_exception_fails_the_run_with_its_traceback_in_the_log_and_at_the_caller(
    home: Home, caller: Caller
) -> None:
    sweep = home.grid(1, 2, 3, 4)
    done = caller.run(
        """
        import sys
        def inner(x):
            raise ValueError(f"no good: {x}")
        def train():
            if sweepd.config.x == 2:
                inner(sweepd.config.x)
            if sweepd.config.x == 3:
                sys.exit(3)
            if sweepd.config.x == 4:
                sys.exit(0)
        sweepd.agent(sweep, train)
        """,
        sweep=sweep.id,
    )
    assert states(sweep) == ["finished", "failed", "failed", "finished"]
    for output in (sweep.run(2).log(), done.stdout):
        assert "ValueError: no good: 2" in output
        assert 'raise ValueError(f"no good: {x}")' in output
        assert "sweepd/functions" not in output
    assert f"Run {sweep.id}-2 failed with exit code 1" in done.stderr
    assert f"Run {sweep.id}-3 failed with exit code 3" in done.stderr


def test_an_agent_whose_function_always_fails_is_ended_by_the_guard(home: Home, caller: Caller) -> None:
    sweep = home.grid(*range(50))
    done = caller.run(
        """
        def train():
            raise RuntimeError("always")
        try:
            sweepd.agent(sweep, train)
        except sweepd.AgentError as error:
            print("exit code", error.exit_code, error)
        """,
        sweep=sweep.id,
    )
    line = done.stdout.splitlines()[-1]
    assert line.startswith("exit code 9 3 runs have failed in the first 60 s")
    assert "RuntimeError: always" in line
    assert states(sweep).count("failed") == 3


def test_the_agent_ends_after_the_given_number_of_consecutive_failed_runs(home: Home, caller: Caller) -> None:
    sweep = home.grid(*range(50))
    done = caller.run(
        """
        def train():
            if sweepd.config.x != 1:
                raise RuntimeError("nearly always")
        try:
            sweepd.agent(sweep, train, max_consecutive_failed_runs=2, fail_fast=False)
        except sweepd.AgentError as error:
            print("exit code", error.exit_code)
        """,
        sweep=sweep.id,
    )
    assert done.stdout.splitlines()[-1] == "exit code 9"
    assert states(sweep)[:4] == ["failed", "finished", "failed", "failed"]


def test_output_is_bounded_with_its_end_shown_and_marked_by_slot(home: Home, caller: Caller) -> None:
    done = caller.run(
        """
        def train():
            for line in range(7_000):
                print(f"line {line} of {sweepd.config.x}" + " " * 80)
            print("the end")
        sweepd.agent(one, train)
        print("== two")
        sweepd.agent(two, train, slots=2)
        """,
        one=home.grid(1).id,
        two=home.grid(1, 2).id,
    )
    one, two = done.stdout.split("== two")
    assert len(one) < 300_000
    assert one.rstrip().endswith("the end")
    assert "characters omitted; full log: sweepctl logs local/default/" in one
    ids = {line.partition("]")[0][-2:] for line in two.splitlines() if line.startswith("[")}
    assert ids == {"-1", "-2"}
    assert all(line.startswith(("[", "Agent Starting", "\t", "…")) for line in two.splitlines() if line)


def test_count_limits_the_ended_runs_and_another_agent_continues(home: Home, caller: Caller) -> None:
    sweep = home.grid(1, 2, 3)
    caller.run("sweepd.agent(sweep, lambda: None, count=2)", sweep=sweep.id)
    assert states(sweep).count("finished") == 2
    caller.run("sweepd.agent(sweep, lambda: None)", sweep=sweep.name)
    assert states(sweep) == ["finished"] * 3


def test_a_killed_agent_ends_with_its_runs_and_the_caller_is_notified(home: Home, caller: Caller) -> None:
    with caller.started(
        """
        import time
        def train():
            open("begun", "w").close()
            time.sleep(1000)  # until it is killed
        try:
            sweepd.agent(sweep, train)
        except sweepd.AgentError as error:
            print(error.exit_code, error)
        """,
        sweep=home.grid(1).id,
    ) as process:
        caller.until_exists("begun")
        for pid in home.processes():
            with suppress(OSError):  # ignores the short-lived processes that record the context of a run
                if b"sweepd_agent.main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        assert process.wait(30) == 0, caller.output("err")
    assert caller.output("out").endswith("1 the agent was ended by signal 9\n")


ENDS = """
import contextlib
def train():
    match sweepd.config.x:
        case 1:
            with contextlib.suppress(ValueError), sweepd.init():
                raise ValueError("no good")
        case 2:
            sweepd.init().finish(exit_code=3)
        case 3:
            with contextlib.suppress(ValueError), sweepd.init():
                raise ValueError("no good")
            sweepd.init().finish()
        case 4:
            sweepd.init().finish(exit_code=3)
            raise SystemExit(5)
sweepd.agent(sweep, train, in_process={in_process}, fail_fast=False)
"""


def test_a_run_that_its_function_marks_as_failed_has_failed_although_the_function_returns(
    home: Home, caller: Caller
) -> None:
    for in_process in (False, True):
        sweep = home.grid(1, 2, 3, 4)
        done = caller.run(ENDS.format(in_process=in_process), sweep=sweep.id)
        assert states(sweep) == ["failed", "failed", "finished", "failed"]
        for number, code in ((1, 1), (2, 3), (4, 3)):
            assert f"Run {sweep.id}-{number} failed with exit code {code}" in done.stderr
        assert (sweep.run(2).reason or "").startswith("the script ended the run with exit code 3")
