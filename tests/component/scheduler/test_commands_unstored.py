"""Commands that cannot be stored: they have no effect, and a repeated call takes effect once; P6, P22."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from google.protobuf.message import Message

from component.scheduler.scripted_agent import ScriptedAgent, id_of
from component.scheduler.serving import Installation, a_scheduler
from component.scheduler.sweeps import create, failure, get, run
from component.scheduler.test_commands import one_run, raised
from scheduler_database import refusing
from sweepd import v1
from sweepd.codec.values import point_message

ENDED = b"program: train.py\nmethod: list\nmetric: {name: loss}\nruns: [{a: 1}, {a: 2}]\nrun_cap: 9\n"
LIVE = b"program: train.py\nmethod: random\nparameters: {a: {min: 0.0, max: 9.0}}\nguard: {agent: 1}\n"
Command = Callable[[Installation], Awaitable[Message]]


def retry(at: Installation) -> Awaitable[Message]:
    return at.runs.RetryRuns(v1.RetryRunsRequest(names=["local/demo/ended-1"], request_id="one"))


def enqueue(at: Installation) -> Awaitable[Message]:
    point = point_message({"a": 5})
    return at.runs.EnqueueRun(
        v1.EnqueueRunRequest(sweep="local/demo/ended", parameters=point, request_id="one")
    )


def edit(at: Installation) -> Awaitable[Message]:
    return at.sweeps.UpdateSweep(raised("local/demo/ended", 3, request_id="one"))


def stop(at: Installation) -> Awaitable[Message]:
    return at.runs.StopRun(v1.StopRunRequest(name="local/demo/live-2", request_id="one"))


def release(at: Installation) -> Awaitable[Message]:
    return at.agents.ReleaseAgent(v1.ReleaseAgentRequest(agent=id_of("ann"), request_id="one"))


async def prepare(at: Installation) -> None:
    """Create a finished sweep with a failed run, and a live one with a quarantined agent and a queued run."""
    ended = await create(at, ENDED, "ended")
    async with ScriptedAgent(at.channel, ended.name) as agent:
        await one_run(agent, code=1)
        await one_run(agent)
        await agent.receive("sweep_ended")
    live = await create(at, LIVE, "live")
    async with (
        ScriptedAgent(at.channel, live.name, named="bob"),  # without another agent it would pause
        ScriptedAgent(at.channel, live.name, named="ann") as agent,
    ):
        await one_run(agent, code=1)
    await at.runs.EnqueueRun(v1.EnqueueRunRequest(sweep=live.name, parameters=point_message({"a": 5})))


async def sweeps_and_runs(at: Installation) -> list[Message]:
    sweeps = [await get(at, f"local/demo/{name}") for name in ("ended", "live")]
    names = ("ended-1", "ended-2", "live-1", "live-2")
    return [*sweeps, *[await run(at, f"local/demo/{name}") for name in names]]


@pytest.mark.parametrize("command", [retry, enqueue, edit, stop, release])
def test_a_command_that_cannot_be_stored_changes_nothing_until_it_can(
    tmp_path: Path, command: Command
) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as at:
            await prepare(at)
            before = await sweeps_and_runs(at)
            with refusing(tmp_path / "scheduler" / "scheduler.sqlite"):
                for _ in range(2):
                    error = await failure(command(at))
                    assert (error.code, error.reason) == ("UNAVAILABLE", "storage-unavailable")
                assert await sweeps_and_runs(at) == before
            answer = await command(at)
            changed = await sweeps_and_runs(at)
            assert changed != before
            assert await command(at) == answer
            await at.restart()
            assert await command(at) == answer
            assert await sweeps_and_runs(at) == changed

    asyncio.run(scenario())
