"""P24, P28: ten thousand stored runs, lists and watches of them, and one scheduler at a time."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing, suppress

import grpc.aio
import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.scripted_agent import held as held_of
from sweepd import v1
from system.installation import Installation, Server
from system.wire import Wire, through_the_gateway
from waiting import least, until

GRID = "program: t.py\nmethod: grid\nmetric: {name: loss}\nparameters: {a: {min: 1, max: 20000}}\n"
STORED = 10_000


def filled(installation: Installation) -> tuple[Server, str, v1.StartRun]:
    """Store a sweep with ten thousand ended runs, copies of its first one, and one live run."""
    server = installation.start_server()
    names = []
    handed_out = []

    async def two_runs(wire: Wire) -> None:
        sweep = await wire.create(GRID, "big")
        names.append(sweep.name)
        async with ScriptedAgent(wire.channel, sweep.name, named="ann") as agent:
            await agent.offer()
            ref = await agent.start_process(await agent.next_start())
            await agent.observe(ref, 1, 0.25)
            await agent.exit(ref, 1, keys=["loss"])
            await agent.acked_exit(ref)
            await agent.offer()
            handed_out.append(await agent.next_start())
            live = await agent.start_process(handed_out[0])
            await agent.observe(live, 1, 0.5)
            await agent.receive("ack", lambda m: m.ack.attempt == live)

    through_the_gateway(server, two_runs)
    address = server.address
    assert server.stop() == 0
    with closing(sqlite3.connect(server.data / "scheduler" / "scheduler.sqlite")) as database, database:
        for table, key in (("run", "number"), ("attempt", "run")):
            columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
            value = "1.0 / (n % 997 + 1)"
            as_copied = {key: "n", "digest": "randomblob(32)", "values_best": value, "value": value}
            copied = ", ".join(as_copied.get(each, each) for each in columns)
            database.execute(
                f"with recursive many(n) as (select 3 union all select n + 1 from many where n <= {STORED})"
                f" insert into {table} select {copied} from {table}, many where {key} = 1"
            )
        database.execute(f"update sweep set finished_runs = {STORED}, cursor = {STORED} + 1")
    database.close()

    def ready() -> float:
        nonlocal server
        server.stop()
        began = time.monotonic()
        server = installation.start_server(listen=address, fresh=True)
        return time.monotonic() - began

    assert least(ready, wanted=3.0) < 3.0
    return server, names[0], handed_out[0]


def test_a_large_sweep_is_loaded_quickly_and_listed_completely_in_pages(installation: Installation) -> None:
    server, name, live = filled(installation)

    async def scenario(wire: Wire) -> None:
        sweep = await wire.get(name)
        assert (sweep.run_counts.finished, sweep.run_counts.running) == (STORED, 1)
        for size in (1_000, 333):
            numbers = [run.number for run in await wire.all_runs(name, page_size=size)]
            assert numbers == list(range(1, STORED + 2))
        best = [run.best_value async for run in _best_first(wire, name)]
        assert len(best) == STORED + 1
        assert best == sorted(best)
        seen: list[int] = []
        async for part in wire.sweeps.WatchSweep(v1.WatchSweepRequest(name=name), timeout=20):
            seen += [run.number for run in part.runs]
            if not part.snapshot_continues:
                break
        assert seen == list(range(1, STORED + 2))
        held = held_of(live, 1)
        async with ScriptedAgent(wire.channel, name, named="ann", slots=2, held=[held]) as agent:
            (verdict,) = (await agent.receive("welcome")).welcome.verdicts
            assert verdict.fate == v1.ATTEMPT_FATE_KEEP
            await agent.offer(1)
            start = await agent.next_start()
            assert (start.number, start.attempt) == (STORED + 2, 1)

    through_the_gateway(server, scenario)
    shown = installation.ctl("runs", name, "--limit", "3", "-o", "name")
    assert shown.stdout.splitlines() == [f"{name}-{number}" for number in (1, 2, 3)]

    def answers_again() -> float:
        os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: installation.ctl("get", name, code=None).returncode == 0)
        return time.monotonic() - killed

    assert least(answers_again, wanted=5.0) < 5.0


async def _best_first(wire: Wire, sweep: str) -> AsyncIterator[v1.Run]:
    request = v1.ListRunsRequest(sweep=sweep, order=v1.RUN_ORDER_BEST, page_size=700)
    while True:
        page = await wire.runs.ListRuns(request)
        for run in page.runs:
            yield run
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def test_a_watch_resumes_from_its_token_after_a_kill_of_the_scheduler(installation: Installation) -> None:
    server = installation.start_server()

    async def scenario(wire: Wire) -> None:
        name = (await wire.create(GRID)).name
        async with ScriptedAgent(wire.channel, name, named="ann") as agent:
            await agent.offer()
            start = await agent.next_start()
            token, known = await _followed(wire, name, "", until_run=1)
            assert known == {1: v1.RUN_STATE_ASSIGNED}
            await agent.start_process(start)
            token, known = await _followed(wire, name, token, until_run=1)
            assert known == {1: v1.RUN_STATE_RUNNING}
            os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
        held = held_of(start, 1)
        await _serving(wire)
        async with ScriptedAgent(wire.channel, name, named="ann", slots=2, held=[held]) as agent:
            await agent.receive("welcome")
            await agent.exit(v1.AttemptRef(run_handle=1, attempt=1))
            await agent.offer(1)
            await agent.next_start()
            _, known = await _followed(wire, name, token, until_run=2)
            assert known == {1: v1.RUN_STATE_FINISHED, 2: v1.RUN_STATE_ASSIGNED}
        for odd in ("999999999999999999", "x", "-1", "0" * 60, "\uff11"):
            _, known = await _followed(wire, name, odd, until_run=2)
            assert set(known) == {1, 2}
        with pytest.raises(grpc.aio.AioRpcError, match="resume_token: it has 5,000 characters"):
            await _followed(wire, name, "0" * 5000, until_run=2)

    through_the_gateway(server, scenario)


async def _serving(wire: Wire) -> None:
    """Wait until the scheduler answers again."""
    while True:
        with suppress(grpc.aio.AioRpcError):
            await wire.sweeps.ListSweeps(v1.ListSweepsRequest(), timeout=10)
            return


async def _followed(
    wire: Wire, name: str, token: str, *, until_run: int
) -> tuple[str, dict[int, v1.RunState.ValueType]]:
    """Watch until a run appears; return the newest token and the last reported state of each run."""
    known: dict[int, v1.RunState.ValueType] = {}
    call = wire.sweeps.WatchSweep(v1.WatchSweepRequest(name=name, resume_token=token), timeout=15)
    async for change in call:
        known |= {run.number: run.state for run in change.runs}
        if until_run in known and not change.snapshot_continues:
            call.cancel()
            return change.resume_token, known
    raise AssertionError("the watch ended")


@pytest.mark.parametrize("standing", ["sweepd up", "sweepd scheduler"])
def test_a_second_scheduler_on_the_same_data_or_port_refuses_to_start(
    installation: Installation, standing: str
) -> None:
    server = installation.start_server()
    address = server.service_address("scheduler")
    data = server.data / "scheduler"
    if standing == "sweepd up":
        data, address = server.data, server.address
    other = installation.folder / "other"
    nowhere = ["--metrics", "127.0.0.1:1", "--suggestion", "127.0.0.1:1"] if standing != "sweepd up" else []
    for flags in (
        ["--data", str(data), "--listen", "127.0.0.1:0"],
        ["--data", str(other), "--listen", address],
    ):
        done = installation.run(*standing.split(), *flags, *nowhere)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert re.search("in use|uses|holds|running", line), line
        assert (str(data) in line) or (address.rpartition(":")[2] in line)
    assert server.service_pids()["scheduler"]
    installation.ctl("list")
    assert server.stop() == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = installation.run(*standing.split(), "--data", str(other), "--listen", address, *nowhere)
        assert done.returncode == 1
        assert address.rpartition(":")[2] in done.stderr
