"""Functions that are called in the caller's own process, with an agent and a stand-in between."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from system.function_scripts import call, calling, nothing_left, runs_of, said, states_of
from system.installation import Installation
from waiting import until


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One server for the tests of this file; each makes sweeps of its own."""
    here = Installation(tmp_path_factory.mktemp("in_process"))
    try:
        here.start_server()
        yield here
    finally:
        here.kill_everything()


def test_runs_are_the_callers_own_process_and_its_environment_is_restored(home: Installation) -> None:
    done = call(
        home,
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
        sweep = grid(1, 2, metric={"name": "loss"})
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train, in_process=True)
        now = dict(os.environ)
        left = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
        told = {name for name in left if name.startswith("SWEEPD_")}  # those of the run of before
        print(seen, sorted(left - told), told.isdisjoint(now), threading.active_count())
        later = sweepd.init(project="own")
        print("later", later.sweep_id, later.config.as_dict() if hasattr(later.config, "as_dict") else "")
        """,
    )
    sweep = said(home, "sweep")
    lines = done.stdout.splitlines()
    assert lines[1:3] == [f"Agent Starting Run: {sweep}-1 with config:", "\tx: 1"]
    assert lines[5] == "[1, 2] [] True 1"
    assert lines[6].startswith("later None {}")
    assert [run["value"] for run in runs_of(home, sweep)] == [1, 2]
    nothing_left(home)


def test_what_it_prints_and_how_it_fails_are_in_its_log_and_shown(home: Installation) -> None:
    done = call(
        home,
        """
        import sys
        def train():
            print("printed äöü")
            if sweepd.config.x == 2:
                raise ValueError("no good")
            if sweepd.config.x == 3:
                sys.exit("words")
        sweep = grid(1, 2, 3)
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train, in_process=True)
        print("after")
        """,
    )
    sweep = said(home, "sweep")
    assert states_of(home, sweep) == ["finished", "failed", "failed"]
    assert home.ctl("logs", f"{sweep}:1").stdout == "printed äöü\n"
    log = home.ctl("logs", f"{sweep}:2").stdout
    assert log.startswith("printed äöü\nTraceback")
    assert log.endswith("ValueError: no good\n")
    assert "functions/in_process" not in log
    assert "ValueError: no good" in done.stderr
    assert home.ctl("logs", f"{sweep}:3").stdout == "printed äöü\nwords\n"
    assert done.stdout.splitlines()[-1] == "after"


@pytest.mark.parametrize("thread", ["", "in a thread"])
def test_a_stop_is_raised_at_the_next_bytecode_and_the_next_run_begins(
    home: Installation, thread: str
) -> None:
    loop = "time.sleep(1000)" if not thread else "while True: time.sleep(0.01)"
    text = f"""
        import threading, time
        def train():
            if sweepd.config.x == 1:
                open("begun", "w").close()
                try:
                    {loop}
                except KeyboardInterrupt as stop:
                    print("cleaned up after", type(stop).__name__)
                    raise
        sweep = grid(1, 2)
        open("sweep", "w").write(sweep)
        def work():
            sweepd.agent(sweep, train, in_process=True)
            print("done")
        if {bool(thread)}:
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
        else:
            work()
    """
    (home.work / "begun").unlink(missing_ok=True)
    with calling(home, text) as caller:
        until(lambda: (home.work / "begun").exists())
        sweep = said(home, "sweep")
        home.ctl("stop", f"{sweep}:1")
        assert caller.wait(60) == 0, said(home, "caller.err")
    assert states_of(home, sweep) == ["stopped", "finished"]
    assert "cleaned up after RunStopped\n" in said(home, "caller.out")
    assert said(home, "caller.out").endswith("done\n")
    nothing_left(home)


def test_ctrl_c_lets_the_call_go_on_and_a_second_one_stops_it(home: Installation) -> None:
    (home.work / "begun").unlink(missing_ok=True)
    with calling(
        home,
        """
        import time
        def train():
            open("begun", "w").close()
            for _ in range(10_000):
                time.sleep(0.01)
        sweep = grid(1, 2)
        open("sweep", "w").write(sweep)
        try:
            sweepd.agent(sweep, train, in_process=True)
        finally:
            print("left")
        """,
    ) as caller:
        until(lambda: (home.work / "begun").exists())
        caller.send_signal(signal.SIGINT)
        until(lambda: "Once more terminates it" in said(home, "caller.err"))
        assert caller.poll() is None
        caller.send_signal(signal.SIGINT)
        assert caller.wait(60) == -signal.SIGINT, said(home, "caller.err")
    assert said(home, "caller.out").endswith("left\n")
    nothing_left(home)


@pytest.mark.slow
def test_a_cancel_kills_the_stand_in_and_is_raised(home: Installation) -> None:
    (home.work / "begun").unlink(missing_ok=True)
    with calling(
        home,
        """
        import time
        def train():
            open("begun", "w").close()
            time.sleep(1000)
        sweep = grid(1, 2)
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train, in_process=True)
        print("back")
        """,
    ) as caller:
        until(lambda: (home.work / "begun").exists())
        sweep = said(home, "sweep")
        home.ctl("cancel", sweep, "--yes")
        assert caller.wait(60) == 0, said(home, "caller.err")
    assert states_of(home, sweep) == ["killed"]
    assert said(home, "caller.out").endswith("back\n")


def test_a_caller_that_is_killed_fails_its_run_and_leaves_nothing(home: Installation) -> None:
    (home.work / "begun").unlink(missing_ok=True)
    with calling(
        home,
        """
        import time
        def train():
            open("begun", "w").close()
            time.sleep(1000)
        sweep = grid(1)
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train, in_process=True)
        """,
    ) as caller:
        until(lambda: (home.work / "begun").exists())
        caller.kill()
        caller.wait(5)
    sweep = said(home, "sweep")
    until(lambda: states_of(home, sweep) == ["failed"], within=30, what="its run has failed")
    log = home.ctl("logs", f"{sweep}:1").stdout
    assert "the process that called the function has ended, or was killed" in log
    call(home, "sweepd.agent(grid(1), lambda: None)")
    nothing_left(home)


def test_what_does_not_go_together_is_refused(home: Installation) -> None:
    done = call(
        home,
        """
        async def later():
            pass
        for options in ({}, {"function": print, "slots": 2}, {"function": later}):
            try:
                sweepd.agent("abc", in_process=True, **options)
            except sweepd.Error as error:
                print(type(error).__name__, error)
        """,
    )
    lines = done.stdout.splitlines()
    assert lines == [
        "UsageError in_process=True is for a function, and for one slot",
        "UsageError in_process=True is for a function, and for one slot",
        "FunctionError in_process=True cannot call an async function: leave it out",
    ]
    assert json.loads(home.ctl("list", "-o", "json").stdout) is not None
