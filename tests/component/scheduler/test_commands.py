"""Rpcs that change runs, sweeps and quarantines, on a real scheduler; P20, P21, P22."""

import asyncio
from pathlib import Path

from google.protobuf.field_mask_pb2 import FieldMask

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.serving import Installation, a_scheduler
from component.scheduler.sweeps import GRID, RANDOM, create, failure, get, run
from sweepd import v1
from sweepd.codec.values import point_message

TWO = RANDOM + b"run_cap: 2\n"


async def one_run(agent: ScriptedAgent, *, code: int = 0, value: float = 0.5) -> v1.StartRun:
    """Take a run, log one value and exit."""
    await agent.offer()
    start = await agent.next_start()
    ref = await agent.start_process(start)
    await agent.observe(ref, 1, value)
    await agent.exit(ref, 1, code=code, keys=["loss"])
    await agent.acked_exit(ref)
    return start


async def two_runs(installation: Installation, sweep: v1.Sweep) -> None:
    """Finish a sweep of two runs; the first run fails."""
    async with ScriptedAgent(installation.channel, sweep.name) as agent:
        await one_run(agent, code=1, value=0.25)
        await one_run(agent)
    assert (await get(installation, sweep.name)).state == v1.SWEEP_STATE_FINISHED


def test_a_finished_sweep_continues_with_retried_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            await two_runs(installation, sweep)
            request = v1.RetryRunsRequest(
                sweep=sweep.name, states=[v1.RUN_STATE_FAILED, v1.RUN_STATE_CRASHED], request_id="again"
            )
            answer = await installation.runs.RetryRuns(request)
            assert (list(answer.names), answer.total) == ([f"{sweep.name}-1"], 1)
            await installation.restart()
            assert (await get(installation, sweep.name)).state == v1.SWEEP_STATE_RUNNING
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                start = await one_run(agent, value=0.75)
                assert (start.number, start.attempt) == (1, 2)
                await agent.receive("sweep_ended")
            ended = await get(installation, sweep.name)
            assert ended.state == v1.SWEEP_STATE_FINISHED
            assert (ended.best_run, ended.best_value) == (f"{sweep.name}-2", 0.5)
            assert await installation.runs.RetryRuns(request) == answer
            assert (await run(installation, f"{sweep.name}-1")).attempt == 2

    asyncio.run(scenario())


def test_invalid_retries_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            other = await create(installation, RANDOM, "other")
            await two_runs(installation, sweep)
            retry = installation.runs.RetryRuns
            finished = v1.RetryRunsRequest(names=[f"{sweep.name}-1", f"{sweep.name}:2"])
            error = await failure(retry(finished))
            assert (error.code, error.reason) == ("FAILED_PRECONDITION", "wrong-state")
            assert error.metadata == {"name": f"{sweep.name}-2", "state": "finished", "verb": "retry"}
            assert (await run(installation, f"{sweep.name}-1")).state == v1.RUN_STATE_FAILED
            missing = v1.RetryRunsRequest(names=[f"{sweep.name}-1", f"{sweep.name}-9"])
            error = await failure(retry(missing))
            assert (error.code, error.metadata["name"]) == ("NOT_FOUND", f"{sweep.name}-9")
            for bad in (
                v1.RetryRunsRequest(),
                v1.RetryRunsRequest(names=[f"{sweep.name}-1"], sweep=sweep.name),
                v1.RetryRunsRequest(names=[f"{sweep.name}-1", f"{other.name}-1"]),
                v1.RetryRunsRequest(sweep=sweep.name),
                v1.RetryRunsRequest(sweep=sweep.name, states=[v1.RUN_STATE_FINISHED]),
                v1.RetryRunsRequest(sweep=sweep.name, states=[v1.RUN_STATE_RUNNING]),
                v1.RetryRunsRequest(names=[f"{sweep.name}-{number}" for number in range(1, 1_002)]),
            ):
                assert (await failure(retry(bad))).reason == "invalid-field"

    asyncio.run(scenario())


def test_an_enqueued_point_is_completed_and_handed_out_first_and_a_repeated_request_adds_none(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, GRID, "s")
            request = v1.EnqueueRunRequest(
                sweep=sweep.name, parameters=point_message({"b": "y"}), request_id="one"
            )
            answer = await installation.runs.EnqueueRun(request)
            await installation.restart()
            assert await installation.runs.EnqueueRun(request) == answer
            (added,) = answer.runs
            assert added.provenance.source == v1.POINT_SOURCE_ENQUEUED
            first = v1.EnqueueRunRequest(sweep=sweep.name, parameters=point_message({"a": 3}), first=True)
            await installation.runs.EnqueueRun(first)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                assert (await one_run(agent)).number == 2
                assert (await one_run(agent)).number == 1
            outside = v1.EnqueueRunRequest(sweep=sweep.name, parameters=point_message({"a": 4}))
            error = await failure(installation.runs.EnqueueRun(outside))
            assert (error.code, error.reason) == ("INVALID_ARGUMENT", "invalid-field")
            nowhere = v1.EnqueueRunRequest(sweep="local/demo/none")
            assert (await failure(installation.runs.EnqueueRun(nowhere))).code == "NOT_FOUND"

    asyncio.run(scenario())


def test_enqueueing_beyond_the_cap_is_refused_until_the_cap_is_raised(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            await two_runs(installation, sweep)
            request = v1.EnqueueRunRequest(sweep=sweep.name, parameters=point_message({"x": 0.5}))
            error = await failure(installation.runs.EnqueueRun(request))
            assert (error.code, error.reason) == ("FAILED_PRECONDITION", "cap-reached")
            await installation.sweeps.UpdateSweep(raised(sweep.name, 3))
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                (added,) = (await installation.runs.EnqueueRun(request)).runs
                assert added.number == 3
                assert (await one_run(agent)).number == 3
            assert (await get(installation, sweep.name)).state == v1.SWEEP_STATE_FINISHED

    asyncio.run(scenario())


def test_stopping_a_run_stops_only_its_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM, "s")
            async with ScriptedAgent(installation.channel, sweep.name, slots=2) as agent:
                await agent.offer(2)
                starts = [await agent.next_start(), await agent.next_start()]
                refs = [await agent.start_process(start) for start in starts]
                request = v1.StopRunRequest(name=f"{sweep.name}:1", request_id="stop")
                answer = await installation.runs.StopRun(request)
                assert answer.run.name == f"{sweep.name}-1"
                command = (await agent.receive("stop_run")).stop_run
                assert command.attempt == refs[starts.index(next(s for s in starts if s.number == 1))]
                assert command.mode == v1.STOP_MODE_TERMINATE
                await agent.exit(command.attempt, code=None, cause=v1.EXIT_CAUSE_COMMANDED)
                await agent.acked_exit(command.attempt)
                stopped = await run(installation, f"{sweep.name}-1")
                assert stopped.state == v1.RUN_STATE_STOPPED
                assert await installation.runs.StopRun(request) == answer
                repeated = await failure(installation.runs.StopRun(v1.StopRunRequest(name=stopped.name)))
                assert repeated.metadata == {"name": stopped.name, "state": "stopped", "verb": "stop"}
                missing = v1.StopRunRequest(name=f"{sweep.name}-77")
                assert (await failure(installation.runs.StopRun(missing))).code == "NOT_FOUND"
                assert (await get(installation, sweep.name)).run_counts.running == 1

    asyncio.run(scenario())


def raised(name: str, run_cap: int, **more: object) -> v1.UpdateSweepRequest:
    sweep = v1.Sweep(name=name, spec=v1.SweepSpec(run_cap=run_cap))
    mask = FieldMask(paths=["spec.run_cap"])
    return v1.UpdateSweepRequest(sweep=sweep, update_mask=mask, **more)  # type: ignore[arg-type]  # by name


def test_a_raised_cap_is_stored_and_continues_the_sweep(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            await two_runs(installation, sweep)
            request = raised(sweep.name, 3, revision=1, request_id="edit")
            answer = await installation.sweeps.UpdateSweep(request)
            assert answer.sweep.state == v1.SWEEP_STATE_RUNNING
            assert (answer.sweep.spec.run_cap, answer.sweep.revision) == (3, 2)
            await installation.restart()
            assert await installation.sweeps.UpdateSweep(request) == answer
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                assert (await one_run(agent)).number == 3
                await agent.receive("sweep_ended")
            error = await failure(installation.sweeps.UpdateSweep(raised(sweep.name, 9, revision=1)))
            assert (error.code, error.reason) == ("ABORTED", "stale-revision")

    asyncio.run(scenario())


def test_an_edit_is_validated_like_a_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM, "s")
            spec = v1.SweepSpec(
                name="better", description="why", tags=["a"], metadata=point_message({"k": [1, {"d": 2.5}]})
            )
            paths = ["spec.name", "spec.description", "spec.tags", "spec.metadata"]
            request = v1.UpdateSweepRequest(
                sweep=v1.Sweep(name=sweep.name, spec=spec), update_mask=FieldMask(paths=paths)
            )
            edited = (await installation.sweeps.UpdateSweep(request)).sweep
            assert (edited.spec.name, list(edited.spec.tags)) == ("better", ["a"])
            assert edited.spec.metadata == spec.metadata
            assert not edited.spec.HasField("run_cap")
            for path in ("spec.method", "state", "spec", "spec.run_cap.more"):
                wrong = v1.UpdateSweepRequest(sweep=request.sweep, update_mask=FieldMask(paths=[path]))
                error = await failure(installation.sweeps.UpdateSweep(wrong))
                assert (error.code, error.reason) == ("INVALID_ARGUMENT", "invalid-field"), path
            assert (
                await failure(installation.sweeps.UpdateSweep(raised(sweep.name, 0)))
            ).reason == "invalid-field"
            nothing = v1.UpdateSweepRequest(sweep=request.sweep)
            assert (await failure(installation.sweeps.UpdateSweep(nothing))).reason == "invalid-field"
            nowhere = raised("local/demo/none", 3)
            assert (await failure(installation.sweeps.UpdateSweep(nowhere))).code == "NOT_FOUND"

    asyncio.run(scenario())


def test_a_quarantined_agent_is_listed_and_can_be_released(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM + b"guard: {agent: 2}\n", "s")
            async with ScriptedAgent(installation.channel, sweep.name, named="ann") as agent:
                await one_run(agent, code=1)
                await one_run(agent, code=1)
                command = (await agent.receive("ineligible")).ineligible
                assert (command.sweep, command.reason) == (sweep.name, v1.INELIGIBLE_REASON_GUARD)
                await agent.offer()
                assert list((await get(installation, sweep.name)).guarded_agents) == [agent.agent_id]
                request = v1.ReleaseAgentRequest(agent=agent.agent_id, request_id="free")
                answer = await installation.agents.ReleaseAgent(request)
                assert list(answer.sweeps) == [sweep.name]
                command = (await agent.receive("ineligible")).ineligible
                assert command.reason == v1.INELIGIBLE_REASON_UNSPECIFIED
                assert (await agent.next_start()).number == 3
                assert await installation.agents.ReleaseAgent(request) == answer
            assert not (await get(installation, sweep.name)).guarded_agents
            repeated = v1.ReleaseAgentRequest(agent=agent.agent_id, sweep=sweep.name)
            assert (await failure(installation.agents.ReleaseAgent(repeated))).code == "NOT_FOUND"

    asyncio.run(scenario())


def test_the_explanation_of_a_run_has_its_events_and_obstacles(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            await two_runs(installation, sweep)
            await installation.runs.RetryRuns(v1.RetryRunsRequest(names=[f"{sweep.name}-1"]))
            request = v1.ExplainRunRequest(name=f"{sweep.name}-1")
            explanation = await installation.runs.ExplainRun(request)
            assert [event.kind for event in explanation.events] == [
                "run-assigned",
                "run-started",
                "run-failed",
                "run-retried",
            ]
            assert explanation.events[-1].detail == "a user retried it; its state was failed"
            assert explanation.events[2].detail.startswith("exited with code 1")
            assert [each.kind for each in explanation.obstacles] == [v1.OBSTACLE_KIND_NO_AGENT]
            missing = v1.ExplainRunRequest(name=f"{sweep.name}-9")
            assert (await failure(installation.runs.ExplainRun(missing))).code == "NOT_FOUND"

    asyncio.run(scenario())


def test_the_explanation_of_a_sweep_has_the_obstacles_to_its_hand_outs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            request = v1.ExplainSweepRequest(name=sweep.name)
            answer = await installation.sweeps.ExplainSweep(request)
            assert [each.kind for each in answer.obstacles] == [v1.OBSTACLE_KIND_NO_AGENT]
            await two_runs(installation, sweep)
            answer = await installation.sweeps.ExplainSweep(request)
            assert answer.sweep.state == v1.SWEEP_STATE_FINISHED
            more = f"for more runs: sweepctl edit {sweep.name} --run-cap N"
            assert [each.message for each in answer.obstacles] == [
                f"it is finished: run_cap is reached; {more}"
            ]
            nowhere = v1.ExplainSweepRequest(name="local/demo/none")
            assert (await failure(installation.sweeps.ExplainSweep(nowhere))).code == "NOT_FOUND"

    asyncio.run(scenario())


def test_a_watch_of_an_ended_sweep_reports_that_it_continues(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            await two_runs(installation, sweep)
            watch = installation.sweeps.WatchSweep(v1.WatchSweepRequest(name=sweep.name))
            first = await anext(aiter(watch))
            assert first.sweep.state == v1.SWEEP_STATE_FINISHED
            await installation.runs.RetryRuns(v1.RetryRunsRequest(names=[f"{sweep.name}-1"]))
            changed = await anext(aiter(watch))
            assert changed.sweep.state == v1.SWEEP_STATE_RUNNING
            assert [(each.number, each.state) for each in changed.runs] == [(1, v1.RUN_STATE_PENDING)]
            watch.cancel()

    asyncio.run(scenario())


def test_an_agent_of_an_ended_sweep_is_refused_until_the_sweep_continues(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            await two_runs(installation, sweep)
            async with ScriptedAgent(installation.channel, sweep.name) as late:
                error = await late.end()
            assert error is not None
            assert "finished" in (error.details() or "")
            await installation.sweeps.UpdateSweep(raised(sweep.name, 3))
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                assert (await one_run(agent)).number == 3

    asyncio.run(scenario())


def test_concurrent_retries_of_a_run_retry_it_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, TWO, "s")
            await two_runs(installation, sweep)
            request = v1.RetryRunsRequest(sweep=sweep.name, states=[v1.RUN_STATE_FAILED])
            answers = await asyncio.gather(*(installation.runs.RetryRuns(request) for _ in range(20)))
            assert sorted(answer.total for answer in answers) == [0] * 19 + [1]
            assert (await get(installation, sweep.name)).run_counts.pending == 1

    asyncio.run(scenario())
