"""Rpcs of clients: create, list, pause, stop, cancel and watch sweeps, and list agents."""

import asyncio
from pathlib import Path

import grpc.aio
import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.serving import Installation, a_scheduler
from component.scheduler.sweeps import CAPPED, GRID, RANDOM, create, failure, get, run
from sweepd import v1
from waiting import until_async


def test_a_repeated_request_gets_the_first_response_and_has_no_further_effect(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            first = await create(installation, RANDOM, request_id="one")
            pause = v1.PauseSweepRequest(name=first.name, request_id="two")
            paused = await installation.sweeps.PauseSweep(pause)
            await installation.sweeps.ResumeSweep(v1.ResumeSweepRequest(name=first.name))
            await installation.restart()
            assert await create(installation, RANDOM, request_id="one") == first
            assert await installation.sweeps.PauseSweep(pause) == paused
            assert (await get(installation, first.name)).state == v1.SWEEP_STATE_PENDING
            other = v1.StopSweepRequest(name=first.name, request_id="two")
            error = await failure(installation.sweeps.StopSweep(other))
            assert error.reason == "request-id-reused"
            sweeps = await installation.sweeps.ListSweeps(v1.ListSweepsRequest())
            assert len(sweeps.sweeps) == 1

    asyncio.run(scenario())


def test_a_sweep_can_be_created_from_a_specification_message(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            made = await create(installation, RANDOM, "a")
            assert made.spec.HasField("seed")
            assert made.file.content == RANDOM
            request = v1.CreateSweepRequest(parent="local/demo", sweep_id="b", spec=made.spec)
            copy = (await installation.sweeps.CreateSweep(request)).sweep
            assert copy.spec == made.spec
            assert copy.name == "local/demo/b"
            error = await failure(installation.sweeps.CreateSweep(request))
            assert (error.code, error.reason) == ("ALREADY_EXISTS", "name-taken")

    asyncio.run(scenario())


def test_an_invalid_file_is_refused_with_all_findings(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            bad = b"methd: grid\nparameters: {a: {min: 3, max: 1}}\n"
            request = v1.CreateSweepRequest(
                parent="local/demo", file=v1.SweepFile(file_name="s.yaml", content=bad)
            )
            error = await failure(installation.sweeps.CreateSweep(request))
            assert (error.code, error.reason) == ("INVALID_ARGUMENT", "invalid-sweep")
            assert len(error.violations) >= 2
            answer = await installation.sweeps.ValidateSweep(v1.ValidateSweepRequest(file=request.file))
            assert len(answer.diagnostics) >= 2
            assert not answer.HasField("spec")
            wrong = v1.CreateSweepRequest(parent="Local", file=request.file)
            assert (await failure(installation.sweeps.CreateSweep(wrong))).reason == "invalid-field"

    asyncio.run(scenario())


def test_errors_name_missing_runs_and_sweeps_and_ended_sweeps(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweeps = installation.sweeps
            error = await failure(sweeps.GetSweep(v1.GetSweepRequest(name="local/demo/none")))
            assert (error.code, error.metadata) == ("NOT_FOUND", {"name": "local/demo/none"})
            sweep = await create(installation, RANDOM)
            await sweeps.StopSweep(v1.StopSweepRequest(name=sweep.name))
            error = await failure(sweeps.PauseSweep(v1.PauseSweepRequest(name=sweep.name)))
            assert error.reason == "wrong-state"
            assert error.metadata == {"name": sweep.name, "state": "stopped", "verb": "pause"}
            error = await failure(installation.runs.GetRun(v1.GetRunRequest(name=f"{sweep.name}-1")))
            assert error.code == "NOT_FOUND"

    asyncio.run(scenario())


def test_sweeps_are_listed_in_pages(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            for sweep_id in ("a", "b", "c"):
                await create(installation, RANDOM, sweep_id)
            names = []
            request = v1.ListSweepsRequest(page_size=2)
            while True:
                page = await installation.sweeps.ListSweeps(request)
                names += [sweep.name for sweep in page.sweeps]
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
            assert names == ["local/demo/c", "local/demo/b", "local/demo/a"]
            request.parent = "local"
            assert (await failure(installation.sweeps.ListSweeps(request))).reason == "invalid-field"

    asyncio.run(scenario())


def test_cancelling_waits_for_agents_and_names_unconfirmed_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepd_scheduler.reads.watch.KILL_TIMEOUT", 0.5)

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            async with (
                ScriptedAgent(installation.channel, sweep.name) as ann,
                ScriptedAgent(installation.channel, sweep.name) as bob,
            ):
                starts = []
                for agent in (ann, bob):
                    await agent.offer()
                    starts.append(await agent.next_start())
                    await agent.start_process(starts[-1])
                cancelling = asyncio.ensure_future(
                    installation.sweeps.CancelSweep(v1.CancelSweepRequest(name=sweep.name))
                )
                stop = (await ann.receive("stop_run")).stop_run
                assert stop.mode == v1.STOP_MODE_KILL
                await ann.exit(stop.attempt, code=None, cause=v1.EXIT_CAUSE_COMMANDED)
                answer = await cancelling
                assert answer.sweep.state == v1.SWEEP_STATE_CANCELLED
                assert list(answer.unconfirmed_runs) == [starts[1].run]
                assert (await run(installation, starts[0].run)).state == v1.RUN_STATE_KILLED
                await bob.receive("sweep_ended")

    asyncio.run(scenario())


async def _watch_until(
    call: "grpc.aio.UnaryStreamCall[v1.WatchSweepRequest, v1.WatchSweepResponse]", finished: int
) -> list[v1.WatchSweepResponse]:
    seen = []
    async with asyncio.timeout(10):
        async for message in call:
            seen.append(message)
            if message.sweep.run_counts.finished >= finished:
                return seen
    return seen


async def _finish(installation: Installation, agent: ScriptedAgent, count: int) -> None:
    for _ in range(count):
        await agent.offer()
        start = await agent.next_start()
        ref = await agent.start_process(start)
        await agent.observe(ref, 1, 0.5)
        await agent.exit(ref, 1, keys=["loss"])
        await agent.acked_exit(ref)


def test_a_watch_begins_with_a_snapshot_and_resumes_after_its_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, CAPPED)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await _finish(installation, agent, 2)
                call = installation.sweeps.WatchSweep(v1.WatchSweepRequest(name=sweep.name))
                seen = await _watch_until(call, 2)
                await _finish(installation, agent, 2)
                seen += await _watch_until(call, 4)
                call.cancel()
                assert [r.number for r in seen[0].runs] == [1, 2]
                assert not seen[0].snapshot_continues
                last = {r.number: r.state for m in seen for r in m.runs}
                assert last == dict.fromkeys((1, 2, 3, 4), v1.RUN_STATE_FINISHED)
                await _finish(installation, agent, 1)
                await installation.restart()
                resumed = v1.WatchSweepRequest(name=sweep.name, resume_token=seen[-1].resume_token)
                call = installation.sweeps.WatchSweep(resumed)
                (missed,) = await _watch_until(call, 5)
                call.cancel()
                assert [r.number for r in missed.runs] == [5]

    asyncio.run(scenario())


def test_a_pause_is_effective_when_the_call_returns_and_after_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, GRID)
            await installation.sweeps.PauseSweep(v1.PauseSweepRequest(name=sweep.name))
            await installation.restart()
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                await agent.receive("welcome")
                await agent.observe(v1.AttemptRef(run_handle=77, attempt=1), 1, 0.5)
                await agent.receive("unsupported")  # so the offer before it has been handled, too
                assert not agent.received
                await installation.sweeps.ResumeSweep(v1.ResumeSweepRequest(name=sweep.name))
                await agent.next_start()

    asyncio.run(scenario())


def test_agents_are_listed_while_they_are_connected_or_have_a_run(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            listed = v1.ListAgentsRequest(sweep=sweep.name)
            async with ScriptedAgent(installation.channel, sweep.name, named="ann") as agent:
                await agent.offer()
                start = await agent.next_start()
                await agent.start_process(start)
                (found,) = (await installation.agents.ListAgents(listed)).agents
                assert (found.id, found.connected, found.host) == (agent.agent_id, True, "scripted")
                assert list(found.runs) == [start.run]
                assert found.HasField("last_seen_time")
                assert (await get(installation, sweep.name)).connected_agents == 1

            async def is_disconnected() -> bool:
                (found,) = (await installation.agents.ListAgents(listed)).agents
                return not found.connected

            await until_async(is_disconnected)
            assert (await get(installation, sweep.name)).connected_agents == 0

    asyncio.run(scenario())
