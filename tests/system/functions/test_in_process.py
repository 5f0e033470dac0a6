"""Functions called in the process of the caller, with an agent and a call proxy in between."""

from __future__ import annotations

import signal

import pytest

from system.functions.callers import Caller, Home, states
from waiting import until

# Sleeps until a signal ends it.
_SLEEPS = """
import time
def train():
    open("begun", "w").close()
    time.sleep(1000)
sweepd.agent(sweep, train, in_process=True)
print("back")
"""


def test_runs_use_the_process_of_the_caller_and_its_environment_is_restored(
    home: Home, caller: Caller
) -> None:
    sweep = home.grid(1, 2, metric={"name": "loss"})
    done = caller.run(
        """
        import os, threading
        lock, seen = threading.Lock(), []  # what no other process could be given
        own = sweepd.init(config={"mine": 1}, project="own")
        sweepd.log({"own": 1})
        own.finish()
        def train():
            with lock:
                seen.append(sweepd.config.x)
            os.environ["LEFT"] = "behind"
            sweepd.log({"loss": sweepd.config.x})
            assert sweepd.run.sweep_id is not None
        before = dict(os.environ)
        sweepd.agent(sweep, train, in_process=True)
        now = dict(os.environ)
        left = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
        told = {name for name in left if name.startswith("SWEEPD_")}  # those of the run of before
        print(seen, sorted(left - told), told.isdisjoint(now), threading.active_count())
        later = sweepd.init(project="own")
        print("later", later.sweep_id, later.config.as_dict())
        """,
        sweep=sweep.id,
    )
    assert done.stdout.splitlines() == [
        f"Agent Starting Run: {sweep.id}-1 with config:",
        "\tx: 1",
        f"Agent Starting Run: {sweep.id}-2 with config:",
        "\tx: 2",
        "[1, 2] [] True 1",
        "later None {}",
    ]
    assert [run.value for run in sweep.runs()] == [1, 2]


def test_output_and_traceback_of_a_function_are_logged_and_shown(home: Home, caller: Caller) -> None:
    sweep = home.grid(1, 2, 3)
    done = caller.run(
        """
        import sys
        encoding, number = sys.stdout.encoding, sys.stdout.fileno()
        def train():
            print("printed äöü")
            if sweepd.config.x == 1:  # all but its text is the caller's own
                assert (sys.stdout.encoding, sys.stdout.fileno()) == (encoding, number)
                sys.stdout.writelines(["two ", "pieces\\n"])
            if sweepd.config.x == 2:
                raise ValueError("no good")
            if sweepd.config.x == 3:
                sys.exit("words")
        sweepd.agent(sweep, train, in_process=True)
        print("after")
        """,
        sweep=sweep.id,
    )
    assert states(sweep) == ["finished", "failed", "failed"]
    assert sweep.run(1).log() == "printed äöü\ntwo pieces\n"
    log = sweep.run(2).log()
    assert log.startswith("printed äöü\nTraceback")
    assert log.endswith("ValueError: no good\n")
    assert "functions/in_process" not in log
    assert "ValueError: no good" in done.stderr
    assert sweep.run(3).log() == "printed äöü\nwords\n"
    assert done.stdout.splitlines()[-1] == "after"


@pytest.mark.parametrize("thread", ["", "in a thread"])
def test_a_stop_is_raised_at_the_next_bytecode_and_the_next_run_starts(
    home: Home, caller: Caller, thread: str
) -> None:
    sweep = home.grid(1, 2)
    with caller.started(
        """
        import threading, time
        def train():
            if sweepd.config.x == 1:
                try:
                    open("begun", "w").close()
                    while True:
                        time.sleep(0.01 if thread else 1000)
                except KeyboardInterrupt as stop:
                    print("cleaned up after", type(stop).__name__)
                    raise
        def work():
            sweepd.agent(sweep, train, in_process=True)
            print("done")
        if thread:
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
        else:
            work()
        """,
        sweep=sweep.id,
        thread=thread,
    ) as process:
        caller.until_exists("begun")
        sweep.run(1).stop()
        assert process.wait(60) == 0, caller.output("err")
    assert states(sweep) == ["stopped", "finished"]
    assert "cleaned up after RunStopped\n" in caller.output("out")
    assert caller.output("out").endswith("done\n")


def test_the_first_ctrl_c_lets_the_call_finish_and_the_second_stops_it(home: Home, caller: Caller) -> None:
    with caller.started(
        """
        import time
        def train():
            open("begun", "w").close()
            for _ in range(10_000):
                time.sleep(0.01)
        try:
            sweepd.agent(sweep, train, in_process=True)
        finally:
            print("left")
        """,
        sweep=home.grid(1, 2).id,
    ) as process:
        caller.until_exists("begun")
        process.send_signal(signal.SIGINT)
        caller.until_printed("Interrupt again to terminate them")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT, caller.output("err")
    assert caller.output("out").endswith("left\n")


@pytest.mark.slow
def test_cancelling_kills_the_call_proxy_and_raises_in_the_caller(home: Home, caller: Caller) -> None:
    sweep = home.grid(1, 2)
    with caller.started(_SLEEPS, sweep=sweep.id) as process:
        caller.until_exists("begun")
        sweep.cancel()
        assert process.wait(60) == 0, caller.output("err")
    assert states(sweep) == ["killed"]
    assert caller.output("out").endswith("back\n")


def test_the_run_of_a_killed_caller_fails_and_no_process_is_left(home: Home, caller: Caller) -> None:
    sweep = home.grid(1)
    with caller.started(_SLEEPS, sweep=sweep.id) as process:
        caller.until_exists("begun")
        process.kill()
        process.wait(5)
    until(lambda: states(sweep) == ["failed"], what="its run has failed")
    ended = "the process that called the function has ended, or was killed"
    until(lambda: ended in sweep.run(1).log(), what="the log has arrived, too")
    caller.run("sweepd.agent(sweep, lambda: None)", sweep=home.grid(1).id)
