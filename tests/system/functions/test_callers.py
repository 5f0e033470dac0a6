"""Calls of `sweepd.agent` in different surroundings, with different arguments, and their errors."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from system.functions.callers import Caller, Home


def test_it_works_beside_threads_forks_channels_and_event_loops(home: Home, caller: Caller) -> None:
    sweeps = {name: home.grid(name).id for name in ("loop", "fork", "asynchronous")}
    done = caller.run(
        """
        import asyncio, os, threading, warnings
        warnings.simplefilter("ignore")
        client = sweepd.Client()
        next(client.sweeps())  # its channel is open from here on
        def train():
            print("ran", sweepd.config.x)
        async def cell():  # as a notebook runs its cells
            sweepd.agent(loop, train)
        asyncio.run(cell())
        if (child := os.fork()) == 0:
            sweepd.agent(fork, train)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        async def later():
            await asyncio.sleep(0)
            print("ran", sweepd.config.x)
        sweepd.agent(asynchronous, later)
        workers = [threading.Thread(target=sweepd.agent, args=(pair, train)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        """,
        **sweeps,
        pair=home.grid("left", "right").id,
    )
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran ")]
    assert ran[:3] == ["ran loop", "ran fork", "ran asynchronous"]
    assert sorted(ran[3:]) == ["ran left", "ran right"]


def test_without_a_function_the_program_runs_and_without_both_the_error_is_one_line(
    home: Home, caller: Caller
) -> None:
    (caller.folder / "train.py").write_text(
        "import sweepd\nsweepd.init()\nprint('program', sweepd.config.x)\n"
    )
    done = caller.run(
        """
        sweepd.agent(whole)
        try:
            sweepd.agent(bare)
        except sweepd.AgentError as error:
            print(error.exit_code, error)
        """,
        whole=home.grid(4, program="train.py").id,
        bare=home.grid(1).id,
    )
    assert "program 4\n" in done.stdout
    assert "Agent Starting Run: " in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("2 sweep local/default/")
    assert last.endswith(
        "has no `program`: its runs call a Python function; run it with sweepd.agent(ID, function), or "
        "create it again with a `program`"
    )


def test_an_unknown_sweep_is_exit_code_3(caller: Caller) -> None:
    begun = time.monotonic()
    done = caller.run(
        """
        try:
            sweepd.agent("nosuch", lambda: None)
        except sweepd.AgentError as error:
            print(error.exit_code, error)
        """
    )
    assert done.stdout == "3 no sweep nosuch; `sweepctl list` lists the sweeps\n"
    assert time.monotonic() - begun < 10


def test_without_a_server_the_error_names_the_remedy(tmp_path: Path) -> None:
    alone = Home(tmp_path)
    done = Caller(alone, alone.work).run(
        """
        for attempt in (lambda: sweepd.sweep({"method": "grid", "parameters": {"x": {"values": [1]}}}),
                        lambda: sweepd.agent("abc", print)):
            try:
                attempt()
            except sweepd.AgentError as error:
                print(error.exit_code, error)
        """
    )
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.startswith("6 no server is known: start one with `sweepd up -d`")
    alone.close()


@pytest.mark.slow
def test_runs_are_not_affected_by_a_server_that_is_briefly_unavailable(tmp_path: Path) -> None:
    away = Home(tmp_path)
    caller = Caller(away, away.work)
    try:
        away.open()
        sweep = away.grid(3, metric={"name": "loss"})
        with caller.started(
            """
            import os, time
            def train():
                open("begun", "w").close()
                while not os.path.exists("let-go"):
                    time.sleep(0.02)
                sweepd.log({"loss": sweepd.config.x})
            sweepd.agent(sweep, train)
            """,
            sweep=sweep.id,
        ) as process:
            caller.until_exists("begun")
            away.server.stop()
            caller.until_printed("runs go on")
            (caller.folder / "let-go").touch()
            away.start_server(listen=away.server.address)
            assert process.wait(60) == 0, caller.output("err")
        assert "connected again" in caller.output("err")
        (run,) = sweep.runs()
        assert (run.state, run.value) == ("finished", 3)
    finally:
        away.close()
