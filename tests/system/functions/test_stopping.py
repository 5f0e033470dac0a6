"""Stops, interrupts and kills of runs that are function calls, and of their callers."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from system.functions.callers import Caller, Home, states
from waiting import until

# These functions sleep until a signal ends them or a file lets them continue.
_WAITS_FOR_FILE = """
import os, time
def train():
    open("begun", "w").close()
    while not os.path.exists("let-go"):
        time.sleep(0.02)
sweepd.agent(sweep, train, forward_signals=forward)
"""
_SLEEPS = """
import time
def train():
    open("begun", "w").close()
    time.sleep(1000)
sweepd.agent(sweep, train, forward_signals=forward)
"""


def test_a_function_in_native_code_is_stopped(home: Home, caller: Caller) -> None:
    """The function runs no Python bytecode that could be interrupted, and ignores SIGTERM."""
    sweep = home.grid(1, 2, 3)
    with caller.started(
        """
        import re, signal
        def train():
            if sweepd.config.x == 1:
                open("in-native", "w").close()
                re.match(r"(a+)+$", "a" * 64 + "b")  # for thousands of years
            if sweepd.config.x == 2:
                signal.signal(signal.SIGTERM, lambda *_: None)
                open("in-loop", "w").close()
                sum(range(10**15))  # for months, in C, and it looks at no signal
        sweepd.agent(sweep, train)
        """,
        sweep=sweep.id,
    ) as process:
        caller.until_exists("in-native")
        sweep.run(1).stop()
        caller.until_exists("in-loop")
        sweep.run(2).stop()
        # SIGTERM has no effect; SIGKILL follows after 30 s, or immediately by `cancel`.
        sweep.cancel()
        assert process.wait(60) == 0, caller.output("err")
    assert states(sweep)[0] == "stopped"
    assert states(sweep)[1] in ("stopped", "killed")  # either of them may be first


def test_ctrl_c_drains_the_agent(home: Home, caller: Caller) -> None:
    sweep = home.grid(1, 2, 3)
    with caller.started(_WAITS_FOR_FILE, sweep=sweep.id, forward=False) as process:
        caller.until_exists("begun")
        process.send_signal(signal.SIGINT)
        caller.until_printed("Interrupt again to terminate them")
        (caller.folder / "let-go").touch()
        assert process.wait(60) == -signal.SIGINT, caller.output("err")
    assert states(sweep) == ["finished"]
    assert "KeyboardInterrupt" in caller.output("err")


def test_a_second_ctrl_c_stops_the_runs(home: Home, caller: Caller) -> None:
    with caller.started(_SLEEPS, sweep=home.grid(1, 2, 3).id, forward=False) as process:
        caller.until_exists("begun")
        process.send_signal(signal.SIGINT)
        caller.until_printed("Interrupt again to terminate them")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT, caller.output("err")


def test_two_simultaneous_interrupts_count_as_two(home: Home, caller: Caller) -> None:
    """Send one forwarded signal; it acts like two that arrive before the first is handled."""
    with caller.started(_SLEEPS, sweep=home.grid(1, 2).id, forward=True) as process:
        caller.until_exists("begun")
        process.send_signal(signal.SIGINT)  # with forward_signals, the first signal terminates the runs
        assert process.wait(60) == -signal.SIGINT, caller.output("err")
    assert "terminating the live runs" in caller.output("err")


def test_forwarded_signals_of_a_platform_drain_the_agent(home: Home, caller: Caller) -> None:
    sweep = home.grid(1, 2, 3)
    patient = _WAITS_FOR_FILE.replace("=forward", "=forward, term_timeout=42.5")
    with caller.started(patient, sweep=sweep.id, forward=True) as process:
        caller.until_exists("begun")
        process.send_signal(signal.SIGTERM)
        caller.until_printed("SIGTERM: no new run starts here; runs have up to 42.5 s to end")
        (caller.folder / "let-go").touch()
        assert process.wait(60) == -signal.SIGTERM, caller.output("err")
    assert states(sweep) == ["finished"]


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_killed_caller_leaves_no_process_and_no_file(
    home: Home, caller: Caller, number: signal.Signals
) -> None:
    with caller.started(
        """
        import os, time
        def train():
            with open("pid", "w") as file:
                file.write(f"{os.getpid()}\\n")
            if os.fork() == 0:
                os.setsid()
            time.sleep(1000)
        sweepd.agent(sweep, train, term_timeout=1)
        """,
        sweep=home.grid(1, 2).id,
    ) as process:
        until(lambda: caller.output("pid").endswith("\n"))
        process.send_signal(number)
        process.wait(5)
        # The agent takes no new run, and gives live runs the grace period.
        until(lambda: not home.agents(), within=20, what="the agent has ended")
    assert not Path(f"/proc/{caller.output('pid').strip()}").exists()
    # The private folder of a killed caller is removed by the next one.
    caller.run("sweepd.agent(sweep, lambda: None)", sweep=home.grid(1).id)
