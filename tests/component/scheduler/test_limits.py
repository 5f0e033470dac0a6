"""Limits of requests in bytes and entries, on a real scheduler; large stored data stays readable. P26."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.serving import a_scheduler
from component.scheduler.sweeps import RANDOM, create, get, run
from sweepd import v1

EMPTY = 2_000_000


def test_a_start_with_very_many_empty_arguments_does_not_delay_other_calls(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM, "s")
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                start = await agent.next_start()
                ref = v1.AttemptRef(run_handle=start.run_handle, attempt=start.attempt)
                begin = time.monotonic()
                await agent.send(run_started=v1.RunStarted(attempt=ref, argv=[""] * (EMPTY // 4)))
                assert (await get(installation, sweep.name)).name == sweep.name
                assert time.monotonic() - begin < 1.0
                await agent.exit(ref)
                await agent.acked_exit(ref)
            (attempt,) = (await run(installation, start.run)).attempts
            assert list(attempt.argv) == ["(longer than 64 KiB)"]

    asyncio.run(scenario())


def test_a_report_beyond_its_limits_does_not_end_the_stream(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM, "s")
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.send(heartbeat=v1.Heartbeat(alive=[v1.AttemptRef()] * 10_001))
                report = (await agent.receive("unsupported")).unsupported.report
                assert report.startswith("report heartbeat: heartbeat.alive: ")
                await agent.offer()
                ref = await agent.start_process(await agent.next_start())
                await agent.exit(ref, keys=["loss", *("x" * 65_536 for _ in range(15))])
                await agent.acked_exit(ref)
            assert list((await run(installation, f"{sweep.name}-1")).logged_keys) == ["loss"]

    asyncio.run(scenario())


def test_an_agent_with_too_many_labels_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM, "s")
            agent = ScriptedAgent(installation.channel, sweep.name)
            for number in range(65):
                agent.hello.labels[str(number)] = ""
            async with agent:
                error = await agent.end()
            assert error is not None
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "hello.labels" in (error.details() or "")

    asyncio.run(scenario())


def test_runs_and_sweeps_with_large_stored_texts_stay_readable(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM, "s")
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                ref = await agent.start_process(await agent.next_start())
                await agent.exit(ref)
                await agent.acked_exit(ref)
            await installation.scheduler.stop()
            keys = json.dumps(["loss", *(f"{number}" + "x" * 65_536 for number in range(100))])
            with closing(sqlite3.connect(tmp_path / "scheduler" / "scheduler.sqlite")) as database, database:
                database.execute("update run set logged_keys = ?", (keys,))
                database.execute("update attempt set argv = ?", (json.dumps([""] * EMPTY),))
                database.execute("update sweep set missing_runs = 3, missing_keys = ?", (keys,))
            await installation.scheduler.start()
            (listed,) = (await installation.sweeps.ListSweeps(v1.ListSweepsRequest())).sweeps
            assert list(listed.objective_missing.logged_keys) == ["loss"]
            (found,) = (await installation.runs.ListRuns(v1.ListRunsRequest(sweep=sweep.name))).runs
            assert list(found.logged_keys) == ["loss"]
            assert (await run(installation, found.name)).attempts[0].argv == ["(longer than 64 KiB)"]

    asyncio.run(scenario())


def test_a_page_has_no_more_sweeps_than_fit_in_a_message(tmp_path: Path) -> None:
    large = RANDOM + b"metadata: {text: " + b"x" * 60_000 + b"}\n"

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            for number in range(60):
                await create(installation, large, f"s{number}")
            found: list[str] = []
            token = ""
            while True:
                request = v1.ListSweepsRequest(page_size=1_000, page_token=token)
                page = await installation.sweeps.ListSweeps(request)
                assert page.ByteSize() < 4 << 20
                found += [sweep.name for sweep in page.sweeps]
                token = page.next_page_token
                if not token:
                    break
            assert found == [f"local/demo/s{number}" for number in reversed(range(60))]

    asyncio.run(scenario())


def test_a_request_beyond_a_limit_is_refused_with_the_path_of_its_field(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await installation.runs.CreateRun(v1.CreateRunRequest(parent="local/p", argv=[""] * 9_000))
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "argv: it has 9,000 entries" in (refused.value.details() or "")

    asyncio.run(scenario())
