"""Scheduler with a real metric store and a real suggestion service, available and unavailable."""

import asyncio
from pathlib import Path

import grpc.aio
import pytest

from component.scheduler.scripted_agent import ScriptedAgent, held
from component.scheduler.serving import (
    Installation,
    a_metric_store,
    a_scheduler,
    a_suggestion_service,
    metric_stub,
)
from component.scheduler.sweeps import BAYES, RANDOM, create, run
from lanes import cursor, log_piece, points_piece
from sweepd import v1
from sweepd_scheduler.agents.forwarder import LaneLimits


def test_points_are_acknowledged_once_they_are_in_the_metric_store(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = a_metric_store(tmp_path)
        address = await store.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                start = await agent.next_start()
                ref = await agent.start_process(start)
                await agent.points(ref, 1, 0.5, 0.4)
                await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_POINTS) == 2)
                await agent.send(piece=log_piece(ref, 0, b"hello\n"))
                await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_LOG) == 6)
                await agent.exit(ref)
                await agent.acked_exit(ref)
                await agent.points(ref, 3, 0.3)
                await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_POINTS) == 3)
        channel, metrics = metric_stub(address)
        history = await metrics.GetHistory(v1.GetHistoryRequest(runs=[start.run]))
        assert [v for c in history.series[0].chunks for v in c.doubles.values] == [0.5, 0.4, 0.3]
        await channel.close()
        await store.stop()

    asyncio.run(scenario())


def test_runs_end_while_the_metric_store_is_unavailable_and_points_arrive_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = a_metric_store(tmp_path)
        address = await store.start()
        await store.stop()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                start = await agent.next_start()
                ref = await agent.start_process(start)
                await agent.points(ref, 1, 0.5)
                await agent.exit(ref)
                await agent.acked_exit(ref)
                assert await store.start() == address
                await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_POINTS) == 1)
        await store.stop()

    asyncio.run(scenario())


def test_points_that_did_not_fit_are_requested_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = LaneLimits(name="points", window=300, held=300)
    monkeypatch.setattr("sweepd_scheduler.agents.forwarder.LANES", {v1.LANE_POINTS: few})
    monkeypatch.setattr("sweepd_scheduler.agents.forwarder.RESEND_INTERVAL", 0.3)

    async def scenario() -> None:
        store = a_metric_store(tmp_path)
        address = await store.start()
        await store.stop()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                ref = await agent.start_process(await agent.next_start())
                for row in range(1, 21):
                    await agent.points(ref, row, 0.5)
                await store.start()
                reached = 0
                while True:  # as an agent does: after a repeated cursor it sends the rows after it again
                    ack = (
                        await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_POINTS) is not None)
                    ).ack
                    row = cursor(ack, v1.LANE_POINTS) or 0
                    if row == 20:
                        break
                    if row == reached:
                        await agent.points(ref, reached + 1, *[0.5] * (20 - reached))
                    reached = row
        await store.stop()

    asyncio.run(scenario())


def test_a_batch_too_large_for_the_metric_store_ends_the_stream_and_blocks_no_later_points(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        store = a_metric_store(tmp_path)
        async with a_scheduler(tmp_path, metrics=await store.start()) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                start = await agent.next_start()
                ref = await agent.start_process(start)
                text = v1.Column(key=0, strings=v1.StringValues(values=["x" * (4 * 1024 * 1024 - 64)]))
                batch = v1.PointBatch(steps=[1], keys=["k"], columns=[text])
                await agent.send(piece=points_piece(ref, 1, batch))
                with pytest.raises(grpc.aio.AioRpcError, match="bytes; the maximum is 1,179,648"):
                    await agent.receive("unsupported")
            holds = [held(start, ref.run_handle)]
            async with ScriptedAgent(installation.channel, sweep.name, held=holds) as agent:
                await agent.receive("welcome")
                await agent.points(ref, 1, 0.5)
                await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_POINTS) == 1)
        await store.stop()

    asyncio.run(scenario())


def test_bayes_uses_the_suggestion_service_and_continues_without_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = a_suggestion_service(tmp_path)
        address = await service.start()
        async with a_scheduler(tmp_path, suggestion=address) as installation:
            sweep = await create(installation, BAYES)
            sources: list[v1.PointSource.ValueType] = []
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                for number in range(8):
                    if number == 5:
                        await service.stop()
                    found = await one_run(installation, agent, 0.1 * number)
                    sources.append(found.provenance.source)
                await agent.receive("sweep_ended")
            assert v1.POINT_SOURCE_FRESH in sources
            assert v1.POINT_SOURCE_FRESH not in sources[5:]
            assert set(sources[5:]) <= {v1.POINT_SOURCE_PREFETCHED, v1.POINT_SOURCE_FALLBACK}

    asyncio.run(scenario())


async def one_run(installation: Installation, agent: ScriptedAgent, value: float) -> v1.Run:
    """Take a run, log one value and exit; return the stored run."""
    await agent.offer()
    start = await agent.next_start()
    ref = await agent.start_process(start)
    await agent.observe(ref, 1, value)
    await agent.exit(ref, 1, keys=["loss"])
    await agent.acked_exit(ref)
    return await run(installation, start.run)


def test_a_restarted_suggestion_service_receives_the_whole_study_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepd_scheduler.suggestion_client.UNAVAILABLE_FOR", 0.2)

    async def scenario() -> None:
        service = a_suggestion_service(tmp_path)
        address = await service.start()
        async with a_scheduler(tmp_path, suggestion=address) as installation:
            sweep = await create(installation, BAYES.replace(b"run_cap: 8", b"run_cap: 100"))
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                for number in range(3):
                    await one_run(installation, agent, 0.1 * number)
                await service.stop()
                found = await one_run(installation, agent, 0.5)
                await service.start()
                for number in range(90):
                    found = await one_run(installation, agent, 0.1 * number)
                    if found.provenance.source == v1.POINT_SOURCE_FRESH and number > 1:
                        break
                    await asyncio.sleep(0.1)  # runs continue without the service until its next request
            assert found.provenance.source == v1.POINT_SOURCE_FRESH
            assert found.provenance.study_length == 2 * (found.number - 1)
            assert found.provenance.observations_seen == found.number - 1
        await service.stop()

    asyncio.run(scenario())
