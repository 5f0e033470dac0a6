"""A point with fewer repeats because of `run_cap` gets the others when it is raised, on a real scheduler."""

import asyncio
from pathlib import Path

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.serving import a_scheduler
from component.scheduler.sweeps import RANDOM, create, get, run
from component.scheduler.test_commands import one_run, raised
from sweepd import v1


def test_a_raised_cap_completes_the_last_point_of_an_ended_sweep(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM + b"repeats: 2\nrun_cap: 3\n", "s")
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                for value in (0.5, 0.5, 0.25):
                    await one_run(agent, value=value)
            ended = await get(installation, sweep.name)
            assert (ended.state, ended.best_run) == (v1.SWEEP_STATE_FINISHED, f"{sweep.name}-3")
            await installation.restart()
            request = raised(sweep.name, 5, request_id="edit")
            answer = await installation.sweeps.UpdateSweep(request)
            assert answer.sweep.state == v1.SWEEP_STATE_RUNNING
            await installation.restart()
            assert await installation.sweeps.UpdateSweep(request) == answer
            third, fourth = [await run(installation, f"{sweep.name}-{n}") for n in (3, 4)]
            assert (fourth.repeat, fourth.parameters) == (1, third.parameters)
            reopened = await get(installation, sweep.name)
            assert (reopened.best_run, reopened.best_value) == (f"{sweep.name}-1", 0.5)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                assert (await one_run(agent, value=0.125)).number == 4
                assert (await one_run(agent)).number == 5
                await agent.receive("sweep_ended")
            done = await get(installation, sweep.name)
            assert (done.best_run, done.best_value) == (f"{sweep.name}-3", (0.25 + 0.125) / 2)
            explanation = await installation.runs.ExplainRun(v1.ExplainRunRequest(name=f"{sweep.name}-4"))
            assert "run_cap was raised" in explanation.events[0].detail

    asyncio.run(scenario())
