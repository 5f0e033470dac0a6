"""Hand-outs on real streams: grids, caps and the ends of sweeps."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.serving import a_scheduler
from component.scheduler.sweeps import CAPPED, GRID, RANDOM, create, get
from component.scheduler.test_commands import raised
from sweepd import v1


async def run_until_the_end(agent: ScriptedAgent, slots: int = 1) -> int:
    """Take runs until the sweep has ended; return their number."""
    count = 0
    await agent.offer(slots)
    while True:
        took = asyncio.ensure_future(agent.next_start())
        ended = asyncio.ensure_future(agent.receive("sweep_ended"))
        await asyncio.wait([took, ended], return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            took.cancel()
            return count
        ended.cancel()
        start = took.result()
        ref = await agent.start_process(start)
        await agent.observe(ref, 1, 0.5)
        await agent.exit(ref, 1, keys=["loss"])
        await agent.offer(slots)
        count += 1


def test_a_grid_runs_every_point_once_and_its_agents_are_notified_of_its_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, GRID, "g")
            async with (
                ScriptedAgent(installation.channel, sweep.name) as ann,
                ScriptedAgent(installation.channel, sweep.name) as bob,
            ):
                counts = await asyncio.gather(run_until_the_end(ann), run_until_the_end(bob))
            assert sum(counts) == 6
            answer = await installation.runs.ListRuns(v1.ListRunsRequest(sweep=sweep.name))
            points = {tuple(str(e.value) for e in run.parameters.entries) for run in answer.runs}
            assert len(points) == 6
            assert {run.state for run in answer.runs} == {v1.RUN_STATE_FINISHED}
            after = (await installation.sweeps.GetSweep(v1.GetSweepRequest(name=sweep.name))).sweep
            assert after.state == v1.SWEEP_STATE_FINISHED
            assert after.run_counts.finished == 6
            assert after.best_value == 0.5

    asyncio.run(scenario())


def test_a_cap_is_exact_with_many_concurrent_agents(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, CAPPED)
            agents = [ScriptedAgent(installation.channel, sweep.name, slots=2) for _ in range(8)]
            for agent in agents:
                await agent.__aenter__()
            counts = await asyncio.gather(*(run_until_the_end(agent) for agent in agents))
            assert sum(counts) == 40
            for agent in agents:
                await agent.__aexit__(None, None, None)

    asyncio.run(scenario())


async def run_forever(agent: ScriptedAgent) -> None:
    """Take runs, two at a time, and exit each at once."""
    await agent.offer(2)
    while True:
        start = await agent.next_start()
        ref = await agent.start_process(start)
        await agent.observe(ref, 1, 0.5)
        await agent.exit(ref, 1, keys=["loss"])
        await agent.offer(2)


def test_a_cap_raised_while_many_agents_want_runs_is_exact_each_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation, AsyncExitStack() as stack:
            sweep = await create(installation, RANDOM + b"run_cap: 1\n")
            agents = [
                await stack.enter_async_context(ScriptedAgent(installation.channel, sweep.name, slots=2))
                for _ in range(9)
            ]
            await agents[0].offer()
            await agents[0].next_start()  # it never ends: the sweep continues
            async with asyncio.TaskGroup() as group:
                working = [group.create_task(run_forever(agent)) for agent in agents[1:]]
                for cap in (2, 3, 40, 41, 90):
                    await installation.sweeps.UpdateSweep(raised(sweep.name, cap))
                    while True:
                        now = await get(installation, sweep.name)
                        assert now.run_counts.finished <= cap - 1
                        if now.run_counts.finished == cap - 1:
                            break
                    assert now.ending == v1.SWEEP_ENDING_CAP
                for task in working:
                    task.cancel()
            runs = await installation.runs.ListRuns(v1.ListRunsRequest(sweep=sweep.name, page_size=1_000))
            assert [run.number for run in runs.runs] == list(range(1, 91))

    asyncio.run(scenario())
