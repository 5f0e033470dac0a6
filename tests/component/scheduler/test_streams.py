"""Stream of an agent: its welcome, renewal and end, and invalid reports."""

import asyncio
from pathlib import Path

import pytest

from component.scheduler.scripted_agent import ScriptedAgent, observation_batch
from component.scheduler.serving import a_scheduler
from component.scheduler.sweeps import GRID, RANDOM, create
from lanes import LANES, cursor
from sweepd import v1
from sweepd.rpc.failure import Failure


def test_the_welcome_states_intervals_and_windows(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path, "--lease", "9s", "--lost-after", "20s") as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                welcome = (await agent.receive("welcome")).welcome
                assert welcome.session
                assert welcome.lease_duration.seconds == 9
                assert welcome.lost_after.seconds == 20
                assert welcome.heartbeat_interval.seconds == 3
                assert welcome.flush_interval.nanos == 100_000_000
                assert [each.lane for each in welcome.windows] == LANES
                assert all(each.bytes > 0 for each in welcome.windows)

    asyncio.run(scenario())


def test_a_display_name_set_by_a_script_is_in_lists_and_watches(tmp_path: Path) -> None:
    """Runs show its first 1,000 characters; the details have all of it."""
    name = "ü" * 2_000

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, GRID, "g")
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                ref = await agent.start_process(await agent.next_start())
                watch = installation.sweeps.WatchSweep(v1.WatchSweepRequest(name=sweep.name))
                report = v1.DetailsReport(attempt=ref, sequence=1, details=v1.RunDetails(display_name=name))
                await agent.send(details=report)
                async for message in watch:
                    if any(run.display_name == name[:1_000] for run in message.runs):
                        break
            (listed, *_) = (await installation.runs.ListRuns(v1.ListRunsRequest(sweep=sweep.name))).runs
            assert (listed.display_name, listed.HasField("details")) == (name[:1_000], False)
            found = (await installation.runs.GetRun(v1.GetRunRequest(name=listed.name))).run
            assert (found.display_name, found.details.display_name) == (name[:1_000], name)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_a_start_has_all_that_the_agent_needs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            halving = b"early_terminate: {type: hyperband, max_iter: 9, s: 2, eta: 2}\ncommand: [a, 1]\n"
            sweep = await create(installation, GRID + halving, "g")
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                start = await agent.next_start()
                assert (start.run, start.sweep) == ("local/demo/g-1", "local/demo/g")
                assert (start.number, start.attempt) == (1, 1)
                assert list(start.watched_keys) == ["loss"]
                assert list(start.rungs) == [2, 4]
                assert list(start.command) == ["a", "1"]
                assert start.program == "train.py"
                assert [entry.name for entry in start.parameters.entries] == ["a", "b"]
                assert (start.stop_grace.seconds, start.lost_after.seconds) == (30, 120)

    asyncio.run(scenario())


def test_an_old_stream_receives_go_away_and_is_then_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepd_scheduler.agents.sessions.STREAM_AGE", 0.3)
    monkeypatch.setattr("sweepd_scheduler.agents.sessions.GO_AWAY_GRACE", 0.3)

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                assert (await agent.receive("go_away")).go_away.reconnect_after.seconds == 1
                error = await agent.end()
                assert error is not None
                assert Failure.of(error).code == "UNAVAILABLE"

    asyncio.run(scenario())


def test_a_goodbye_ends_the_stream_without_an_error(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.receive("welcome")
                await agent.send(goodbye=v1.Goodbye(reason="done"))
                assert await agent.end() is None

    asyncio.run(scenario())


def test_invalid_reports_are_answered_and_change_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                start = await agent.next_start()
                ref = await agent.start_process(start)
                await agent.send()
                assert "unknown kind" in (await agent.receive("unsupported")).unsupported.report
                backwards = observation_batch(ref, 1, 0.5, 0.4)
                backwards.observations[0].row = 7
                await agent.send(observations=backwards)
                assert "observations" in (await agent.receive("unsupported")).unsupported.report
                await agent.points(v1.AttemptRef(run_handle=99, attempt=1), 1, 0.5)
                assert "handle 99" in (await agent.receive("unsupported")).unsupported.report
                await agent.observe(ref, 5, 0.5)
                gap = await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_OBSERVATIONS) is not None)
                assert cursor(gap.ack, v1.LANE_OBSERVATIONS) == 0
                await agent.exit(ref)
                await agent.acked_exit(ref)

    asyncio.run(scenario())


def test_a_missing_objective_is_reported_with_the_acknowledgement(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.offer()
                ref = await agent.start_process(await agent.next_start())
                await agent.exit(ref, keys=["acc"])
                ack = await agent.acked_exit(ref)
                assert ack.notice == "your script logged `acc`; the sweep optimises `loss`"

    asyncio.run(scenario())
