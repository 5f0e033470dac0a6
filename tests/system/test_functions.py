"""Sweeps whose runs are calls of a function, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.function_scripts import call, calling, nothing_left, runs_of, said, states_of
from system.installation import Installation
from waiting import until


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One server for the tests of this file; each makes sweeps of its own."""
    here = Installation(tmp_path_factory.mktemp("functions"))
    try:
        here.start_server()
        yield here
    finally:
        here.kill_everything()


def test_closures_lambdas_and_modules_beside_the_script_arrive_in_a_fresh_process(home: Installation) -> None:
    (home.work / "beside.py").write_text("def twice(x):\n    return 2 * x\n")
    done = call(
        home,
        """
        import os, sys
        import beside
        offset, big = 1000, list(range(100_000))

        def maker(factor):
            class Model:  # a class of a function of the main module
                def loss(self, x):
                    return beside.twice(x) * factor + offset + len(big)
            def train():
                run = sweepd.init(config={"x": -1, "extra": "mine"})
                assert os.getpid() != main and sys.argv[0].endswith("caller.py"), sys.argv
                assert os.getcwd() == here
                sweepd.log({"loss": Model().loss(sweepd.config.x)})
                print(f"x={sweepd.config.x} of {run.id}")
            return train

        main, here = os.getpid(), os.getcwd()
        sweep = grid(1, 2, metric={"name": "loss"})
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, maker(3))
        assert "SWEEPD_RUN_ID" not in os.environ
        other = grid(5)
        sweepd.agent(f"default/{other}", lambda: print("lambda", sweepd.config["x"]), count=1)
        import threading
        assert threading.active_count() == 1
        """,
    )
    sweep = said(home, "sweep")
    assert [run["value"] for run in runs_of(home, sweep)] == [101_006, 101_012]
    shown = done.stdout.splitlines()
    assert shown[0] == f"Create sweep with ID: {sweep}"
    assert shown[1:4] == [f"Agent Starting Run: {sweep}-1 with config:", "\tx: 1", f"x=1 of {sweep}-1"]
    assert shown[-1] == "lambda 5"
    assert done.stderr == ""
    nothing_left(home)


def test_what_a_function_packs_again_finds_its_main_module(home: Installation) -> None:
    """As data loaders and `torch.save` do: plain pickling, by the name in the main module."""
    done = call(
        home,
        """
        import multiprocessing, pickle

        class Weights:
            value = 7

        def square(x):
            return x * x

        def train():
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(pool.map(square, [1, 2, 3]), type(pickle.loads(pickle.dumps(Weights()))) is Weights)

        sweepd.agent(grid(1), train)
        """,
    )
    assert "[1, 4, 9] True" in done.stdout


def test_an_exception_fails_the_run_with_its_traceback_in_the_log_and_at_the_caller(
    home: Installation,
) -> None:
    done = call(
        home,
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
        sweep = grid(1, 2, 3, 4)
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train)
        """,
    )
    sweep = said(home, "sweep")
    assert states_of(home, sweep) == ["finished", "failed", "failed", "finished"]
    log = home.ctl("logs", f"{sweep}:2").stdout
    for told in (log, done.stdout):
        assert "ValueError: no good: 2" in told
        assert 'raise ValueError(f"no good: {x}")' in told
        assert "sweepd/functions" not in told
    assert f"Run {sweep}-2 failed with exit code 1" in done.stderr
    assert f"Run {sweep}-3 failed with exit code 3" in done.stderr


def test_a_function_in_native_code_is_stopped(home: Installation) -> None:
    """One that no bytecode of Python would ever interrupt, and that SIGTERM does not end either."""
    with calling(
        home,
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
        sweep = grid(1, 2, 3)
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train)
        """,
    ) as caller:
        until(lambda: (home.work / "in-native").exists())
        sweep = said(home, "sweep")
        home.ctl("stop", f"{sweep}:1")
        until(lambda: (home.work / "in-loop").exists(), within=30)
        home.ctl("stop", f"{sweep}:2")
        # SIGTERM is caught in vain; the kill comes 30 s later, or at once by `cancel`.
        home.ctl("cancel", sweep, "--yes")
        assert caller.wait(60) == 0, said(home, "caller.err")
    states = states_of(home, sweep)
    assert states[0] == "stopped"
    assert states[1] in ("stopped", "killed")  # the one or the other came first
    nothing_left(home)


def test_memory_is_given_back(home: Installation) -> None:
    done = call(
        home,
        """
        import pathlib, re
        def train():
            hold = bytearray(300 * 2**20)
            hold[::4096] = b"x" * len(hold[::4096])
        sweepd.agent(grid(1, 2), train)
        # Of this program alone; what `getrusage` tells includes what started it.
        status = pathlib.Path("/proc/self/status").read_text()
        print("peak", int(re.search("VmHWM:[^0-9]*([0-9]+) kB", status)[1]) // 1024)
        """,
    )
    assert int(done.stdout.split("peak ")[1]) < 150


def test_what_cannot_be_packed_is_named_before_anything_starts(home: Installation) -> None:
    done = call(
        home,
        """
        import threading
        class Store:
            def __init__(self):
                self.rows, self.guard = [], threading.Lock()
        store = Store()
        def train():
            def inner():
                store.rows.append(1)
            inner()
        sweep = grid(1)
        for attempt in (lambda: sweepd.agent(sweep, train), lambda: sweepd.agent(sweep, lambda x: x),
                        lambda: sweepd.agent(sweep, 7)):
            try:
                attempt()
            except sweepd.FunctionError as error:
                print(error)
        """,
    )
    _, packed, arguments, kind = done.stdout.splitlines()
    assert packed == (
        "train refers to store.guard (_thread.lock), which cannot be taken to another process: cannot pickle "
        "'_thread.lock' object; make it inside the function, or call agent(…, in_process=True)"
    )
    assert "is called without arguments" in arguments
    assert "a function without arguments, not int" in kind


def test_the_guard_ends_an_agent_whose_function_always_fails(home: Installation) -> None:
    done = call(
        home,
        """
        def train():
            raise RuntimeError("always")
        sweep = grid(*range(50))
        open("sweep", "w").write(sweep)
        try:
            sweepd.agent(sweep, train)
        except sweepd.AgentError as error:
            print("exit code", error.exit_code, error)
        """,
    )
    line = done.stdout.splitlines()[-1]
    assert line.startswith("exit code 9 3 runs have failed in the first 60 s")
    assert "RuntimeError: always" in line
    assert states_of(home, said(home, "sweep")).count("failed") == 3


def test_output_is_bounded_but_its_end_is_shown_and_slots_are_told_apart(home: Installation) -> None:
    done = call(
        home,
        """
        def train():
            for line in range(30_000):
                print(f"line {line} of {sweepd.config.x}" + " " * 20)
            print("the end")
        one, two = grid(1), grid(1, 2)
        sweepd.agent(one, train)
        print("== two")
        sweepd.agent(two, train, slots=2)
        """,
    )
    one, two = done.stdout.split("== two")
    assert len(one) < 300_000
    assert one.rstrip().endswith("the end")
    assert "characters are left out; all of it: sweepctl logs local/default/" in one
    ids = {line.partition("]")[0][-2:] for line in two.splitlines() if line.startswith("[")}
    assert ids == {"-1", "-2"}
    assert all(line.startswith(("[", "Agent Starting", "\t", "…")) for line in two.splitlines() if line)


def test_ctrl_c_drains_and_a_second_one_stops(home: Installation) -> None:
    text = """
        import os, time
        def train():
            open("begun-%d" % sweepd.config.x, "w").close()
            while not os.path.exists("let-go"):
                time.sleep(0.05)
        sweep = grid({values})
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train)
    """
    with calling(home, text.format(values="11, 12, 13")) as caller:
        until(lambda: (home.work / "begun-11").exists())
        caller.send_signal(signal.SIGINT)
        until(lambda: "Once more terminates it" in said(home, "caller.err"))
        (home.work / "let-go").touch()
        assert caller.wait(60) == -signal.SIGINT, said(home, "caller.err")
    assert states_of(home, said(home, "sweep")) == ["finished"]
    assert "KeyboardInterrupt" in said(home, "caller.err")
    nothing_left(home)
    (home.work / "let-go").unlink()
    with calling(home, text.format(values="21, 22, 23")) as caller:
        until(lambda: (home.work / "begun-21").exists())
        caller.send_signal(signal.SIGINT)
        until(lambda: "Once more terminates it" in said(home, "caller.err"))
        caller.send_signal(signal.SIGINT)
        assert caller.wait(60) == -signal.SIGINT, said(home, "caller.err")
    nothing_left(home)


def test_two_interrupts_at_once_are_two(home: Installation) -> None:
    """As processes see one signal where two have come before they looked."""
    (home.work / "begun").unlink(missing_ok=True)
    with calling(
        home,
        """
        import os, signal, time
        def train():
            open("begun", "w").close()
            time.sleep(1000)
        sweepd.agent(grid(1, 2), train, forward_signals=True)
        """,
    ) as caller:
        until(lambda: (home.work / "begun").exists())
        caller.send_signal(signal.SIGINT)  # with forward_signals, the first one terminates
        assert caller.wait(60) == -signal.SIGINT, said(home, "caller.err")
    assert "terminating what runs" in said(home, "caller.err")
    nothing_left(home)


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_caller_that_is_killed_leaves_nothing_behind(home: Installation, number: signal.Signals) -> None:
    before = said(home, "pids")
    with calling(
        home,
        """
        import os, time
        def train():
            with open("pids", "a") as file:
                file.write(f"{os.getpid()} ")
            if os.fork() == 0:
                os.setsid()
                time.sleep(1000)
            time.sleep(1000)
        sweepd.agent(grid(1, 2), train)
        """,
    ) as caller:
        until(lambda: said(home, "pids") != before)
        caller.send_signal(number)
        caller.wait(5)
        # The agent takes nothing new, and gives what runs its grace of 10 s.
        until(lambda: not _agents(home), within=20, what="the agent is gone")
    pid = int(said(home, "pids").split()[-1])
    assert not Path(f"/proc/{pid}").exists()
    # The private folder of one that was killed is removed by the next.
    call(home, "sweepd.agent(grid(1), lambda: None)")
    nothing_left(home)


def _agents(home: Installation) -> list[str]:
    return [line for line in home.commands() if "sweepd_agent.main" in line or "sweepd.functions" in line]


def test_an_agent_that_is_killed_takes_its_runs_with_it_and_is_told(home: Installation) -> None:
    (home.work / "begun").unlink(missing_ok=True)
    with calling(
        home,
        """
        import time
        def train():
            open("begun", "w").close()
            time.sleep(1000)
        try:
            sweepd.agent(grid(1), train)
        except sweepd.AgentError as error:
            print(error.exit_code, error)
        """,
    ) as caller:
        until(lambda: (home.work / "begun").exists())
        for pid in home.processes():
            if b"sweepd_agent.main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert caller.wait(30) == 0, said(home, "caller.err")
    assert said(home, "caller.out").endswith("1 the agent was ended by signal 9\n")
    nothing_left(home)


@pytest.mark.slow
def test_a_server_that_is_away_for_a_while_is_no_matter_of_the_runs(tmp_path: Path) -> None:
    away = Installation(tmp_path)
    try:
        server = away.start_server()
        address = server.address
        with calling(
            away,
            """
            import os, time
            def train():
                open("begun", "w").close()
                while not os.path.exists("let-go"):
                    time.sleep(0.05)
                sweepd.log({"loss": sweepd.config.x})
            sweep = grid(3, metric={"name": "loss"})
            open("sweep", "w").write(sweep)
            sweepd.agent(sweep, train)
            """,
        ) as caller:
            until(lambda: (away.work / "begun").exists())
            server.stop()
            until(lambda: "runs go on" in said(away, "caller.err"), what="the caller is told")
            (away.work / "let-go").touch()
            away.start_server(listen=address)
            assert caller.wait(60) == 0, said(away, "caller.err")
        assert "connected again" in said(away, "caller.err")
        (run,) = runs_of(away, said(away, "sweep"))
        assert (run["state"], run["value"]) == ("finished", 3)
    finally:
        away.kill_everything()


def test_it_works_beside_threads_forks_channels_and_event_loops(home: Installation) -> None:
    done = call(
        home,
        """
        import asyncio, os, threading, warnings
        warnings.simplefilter("ignore")
        client = sweepd.Client()
        list(client.sweeps()) if hasattr(client, "sweeps") else None
        def train():
            print("ran", sweepd.config.x)
        async def cell():  # as a notebook runs its cells
            sweepd.agent(grid("loop"), train)
        asyncio.run(cell())
        worker = threading.Thread(target=lambda: sweepd.agent(grid("thread"), train))
        worker.start()
        worker.join()
        if (child := os.fork()) == 0:
            sweepd.agent(grid("fork"), train)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        async def asynchronous():
            await asyncio.sleep(0)
            print("ran", sweepd.config.x)
        sweepd.agent(grid("async"), asynchronous)
        sweep = grid("left", "right")
        pair = [threading.Thread(target=sweepd.agent, args=(sweep, train)) for _ in range(2)]
        for worker in pair:
            worker.start()
        for worker in pair:
            worker.join()
        """,
    )
    assert sorted(line for line in done.stdout.splitlines() if line in ("ran left", "ran right")) == [
        "ran left",
        "ran right",
    ]
    assert [line for line in done.stdout.splitlines() if line.startswith("ran")][:4] == [
        "ran loop",
        "ran thread",
        "ran fork",
        "ran async",
    ]
    nothing_left(home)


def test_counts_runs_that_ended_and_another_agent_goes_on(home: Installation) -> None:
    call(
        home,
        """
        sweep = grid(1, 2, 3)
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, lambda: None, count=2)
        """,
    )
    sweep = said(home, "sweep")
    assert states_of(home, sweep).count("finished") == 2
    call(home, f"sweepd.agent('local/default/{sweep}', lambda: None)")
    assert states_of(home, sweep) == ["finished"] * 3


def test_without_a_function_the_program_runs_and_without_a_program_one_line_says_so(
    home: Installation,
) -> None:
    home.write("train.py", "import sweepd\nsweepd.init()\nprint('program', sweepd.config.x)\n")
    done = call(
        home,
        """
        sweepd.agent(grid(4, program="train.py"))
        try:
            sweepd.agent(grid(1))
        except sweepd.AgentError as error:
            print(error.exit_code, error)
        """,
    )
    assert "program 4\n" in done.stdout
    assert "Agent Starting Run: " in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("2 sweep local/default/")
    assert last.endswith(
        "has no `program`: its runs are a function's; call sweepd.agent(ID, function) in Python instead, "
        "or create it with a program"
    )


def test_findings_of_a_dictionary_are_those_of_a_file(home: Installation) -> None:
    done = call(
        home,
        """
        try:
            sweepd.sweep(lambda: {"method": "gird", "parameters": {"lr": {"min": 2, "max": 1}}})
        except sweepd.SweepError as error:
            print(error)
        try:
            sweepd.sweep(7)
        except ValueError as error:
            print(error)
        config = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1}}}
        print(sweepd.sweep({**config, "project": "Mine Own"}))
        print(sweepd.sweep({**config, "project": "theirs"}, project="p"))
        """,
    )
    text = done.stdout
    assert "method: " in text
    assert "parameters.lr" in text
    assert "did you mean `grid`?" in text
    assert "a sweep is a dictionary, or a function that returns one, not int" in text
    names = [sweep["name"] for sweep in json.loads(home.ctl("list", "-o", "json").stdout)]
    first, second = text.splitlines()[-3], text.splitlines()[-1]
    assert f"local/mine-own/{first}" in names
    assert f"local/p/{second}" in names


def test_a_sweep_begins_with_prior_runs(home: Installation) -> None:
    done = call(
        home,
        """
        def train():
            sweepd.log({"loss": sweepd.config.x})
        first = grid(1, 2, metric={"name": "loss"})
        sweepd.agent(first, train)
        config = {"method": "grid", "metric": {"name": "loss"}, "parameters": {"x": {"values": [1, 2, 3]}}}
        second = sweepd.sweep(config, prior_runs=[f"{first}-1", f"{first}-2"])
        sweepd.agent(second, train)
        open("sweep", "w").write(second)
        """,
    )
    assert "the sweep begins with 2 of the prior runs" in done.stderr
    ran = [run["params"] for run in runs_of(home, said(home, "sweep")) if run["state"] == "finished"]
    assert {"x": 3} in ran
    assert done.stdout.count("Agent Starting Run: ") == 3


def test_signals_of_a_platform_drain_the_agent_if_they_are_forwarded(home: Installation) -> None:
    (home.work / "begun").unlink(missing_ok=True)
    with calling(
        home,
        """
        import time
        def train():
            open("begun", "w").close()
            time.sleep(2)
        sweep = grid(1, 2, 3)
        open("sweep", "w").write(sweep)
        sweepd.agent(sweep, train, forward_signals=True)
        """,
    ) as caller:
        until(lambda: (home.work / "begun").exists())
        caller.send_signal(signal.SIGTERM)
        assert caller.wait(60) == -signal.SIGTERM, said(home, "caller.err")
    assert states_of(home, said(home, "sweep")) == ["finished"]
    nothing_left(home)


def test_without_a_server_the_remedy_is_named(tmp_path: Path) -> None:
    alone = Installation(tmp_path)
    done = call(
        alone,
        """
        for attempt in (lambda: grid(1), lambda: sweepd.agent("abc", print)):
            try:
                attempt()
            except sweepd.AgentError as error:
                print(error.exit_code, error)
        try:
            sweepd.agent("a/b/c/d")
        except sweepd.UsageError as error:
            print(error)
        """,
    )
    first, second, third = done.stdout.splitlines()
    assert first == second
    assert first.startswith("6 no server is known: start one with `sweepd up -d`")
    assert third == "'a/b/c/d' names no sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID"
    alone.kill_everything()


def test_a_sweep_that_is_not_there_is_code_3(home: Installation) -> None:
    begun = time.monotonic()
    done = call(
        home,
        """
        try:
            sweepd.agent("nosuch", lambda: None)
        except sweepd.AgentError as error:
            print(error.exit_code, error)
        """,
    )
    assert done.stdout == "3 no sweep nosuch; `sweepctl list` shows those there are\n"
    assert time.monotonic() - begun < 10
    assert os.environ.get("SWEEPD_RUN_ID") is None
