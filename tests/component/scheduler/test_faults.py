"""Faults: lost, reconnecting and duplicate agents, restarts, and a database that cannot be written."""

import asyncio
from pathlib import Path

import pytest

from component.scheduler.scripted_agent import ScriptedAgent, held
from component.scheduler.serving import Installation, a_scheduler
from component.scheduler.sweeps import HALVING, RANDOM, create, failure, get, run
from lanes import cursor
from scheduler_database import DEFECT, refusing
from sweepd import v1
from sweepd.rpc.failure import Failure
from waiting import until_async


async def in_state(installation: Installation, name: str, state: v1.RunState.ValueType) -> bool:
    return (await run(installation, name)).state == state


async def pause(installation: Installation, sweep: v1.Sweep) -> v1.PauseSweepResponse:
    return await installation.sweeps.PauseSweep(v1.PauseSweepRequest(name=sweep.name))


def test_live_runs_continue_over_a_restart_without_loss(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, HALVING, "r")
            async with ScriptedAgent(installation.channel, sweep.name, named="ann") as ann:
                await ann.offer()
                start = await ann.next_start()
                ref = await ann.start_process(start)
                await ann.observe(ref, 1, 0.5)
                await ann.receive("ack", lambda m: cursor(m.ack, v1.LANE_OBSERVATIONS) == 1)
                restarting = asyncio.ensure_future(installation.restart())
                await ann.receive("go_away")
                ann.cut()
                await restarting
            channel = installation.channel
            reconnected = ScriptedAgent(channel, sweep.name, named="ann", held=[held(start)])
            async with reconnected:
                welcome = (await reconnected.receive("welcome")).welcome
                (verdict,) = welcome.verdicts
                assert verdict.fate == v1.ATTEMPT_FATE_KEEP
                assert cursor(verdict, v1.LANE_OBSERVATIONS) == 1
                ref = v1.AttemptRef(run_handle=9, attempt=1)
                await reconnected.observe(ref, 2, 0.4)
                await reconnected.exit(ref, 2, keys=["loss"])
                assert (await reconnected.acked_exit(ref)).run_state == v1.RUN_STATE_FINISHED
                await reconnected.offer()
                assert (await reconnected.next_start()).number == 2
            after = await get(installation, sweep.name)
            assert after.run_counts.finished == 1
            assert after.best_value == 0.4

    asyncio.run(scenario())


def test_the_run_of_a_lost_agent_goes_to_another_and_the_late_agent_is_fenced(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path, "--lease", "500ms", "--lost-after", "1s") as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as ann:
                await ann.offer()
                start = await ann.next_start()
                ref = await ann.start_process(start)
                async with ScriptedAgent(installation.channel, sweep.name) as bob:
                    await until_async(lambda: in_state(installation, start.run, v1.RUN_STATE_PENDING))
                    await bob.offer()
                    second = await bob.next_start()
                    assert (second.run, second.attempt) == (start.run, 2)
                    await ann.observe(ref, 1, 0.1)
                    assert (await ann.receive("fenced")).fenced.attempt == ref
                    await ann.points(ref, 1, 0.1)
                    await ann.receive("fenced")
                    second_ref = await bob.start_process(second)
                    await bob.exit(second_ref)
                    await bob.acked_exit(second_ref)
            found = await run(installation, start.run)
            assert [attempt.state for attempt in found.attempts] == [
                v1.ATTEMPT_STATE_LOST,
                v1.ATTEMPT_STATE_ENDED,
            ]
            assert found.best_value == 0.0 or not found.HasField("best_value")

    asyncio.run(scenario())


def test_a_newer_stream_of_an_agent_replaces_the_older(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name, named="ann") as old:
                await old.receive("welcome")
                async with ScriptedAgent(installation.channel, sweep.name, named="ann") as new:
                    await new.receive("welcome")
                    error = await old.end()
                    assert error is not None
                    assert Failure.of(error).reason == "stream-replaced"
                    await new.offer()
                    await new.next_start()

    asyncio.run(scenario())


def test_an_agent_of_an_ended_or_unknown_sweep_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            await installation.sweeps.StopSweep(v1.StopSweepRequest(name=sweep.name))
            expected = {sweep.name: "sweep-ended", "local/demo/nosuch": "no-such-name", "x": "no-such-name"}
            for name, reason in expected.items():
                async with ScriptedAgent(installation.channel, name) as agent:
                    error = await agent.end()
                    assert error is not None
                    assert Failure.of(error).reason == reason

    asyncio.run(scenario())


def test_an_unwritable_database_is_reported_and_reports_are_stored_once_it_is_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepd_scheduler.owner.owner.RETRY_STORAGE_AFTER", 0.02)

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                start = await agent.next_start()
                ref = await agent.start_process(start)
                await until_async(lambda: in_state(installation, start.run, v1.RUN_STATE_RUNNING))
                with refusing(tmp_path / "scheduler" / "scheduler.sqlite"):
                    error = await failure(pause(installation, sweep))
                    assert (error.code, error.reason) == ("UNAVAILABLE", "storage-unavailable")
                    assert error.metadata["service"] == "scheduler"
                    assert error.metadata["place"].endswith("scheduler.sqlite")
                    await agent.observe(ref, 1, 0.5)
                    await agent.exit(ref, 1)
                    assert (await get(installation, sweep.name)).state == v1.SWEEP_STATE_RUNNING
                    await asyncio.sleep(0.1)  # several attempts to store fail in this time
                    assert not [m for m in agent.received if m.WhichOneof("command") == "ack"]
                assert (await agent.acked_exit(ref)).run_state == v1.RUN_STATE_FINISHED

    asyncio.run(scenario())


def test_a_constraint_violation_is_an_internal_error_and_other_calls_continue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is neither retried nor reported as unavailable storage."""

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep, other = await create(installation, RANDOM), await create(installation, RANDOM)
            with refusing(tmp_path / "scheduler" / "scheduler.sqlite", DEFECT):
                error = await failure(pause(installation, sweep))
                assert error.code == "INTERNAL"
                assert "no such state" not in error.message
                assert (await create(installation, RANDOM, "new")).name == "local/demo/new"
            assert (await get(installation, sweep.name)).state == v1.SWEEP_STATE_PENDING
            assert (await pause(installation, other)).sweep.state == v1.SWEEP_STATE_PAUSED

    asyncio.run(scenario())
    (logged,) = [line for line in caplog.records if "PauseSweep could not be stored" in line.message]
    assert logged.exc_info is not None
    assert "no such state" in str(logged.exc_info[1])


def test_a_stream_that_does_not_begin_with_hello_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            call = installation.agents.Attach()
            await call.write(v1.AttachRequest(offer=v1.Offer(wanted=1)))
            error = await failure(call.read())
            assert error.code == "INVALID_ARGUMENT"

    asyncio.run(scenario())
