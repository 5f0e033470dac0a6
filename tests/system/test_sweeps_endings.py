"""Automatic ends of sweeps: caps, targets, finite spaces, runs without the objective."""

from __future__ import annotations

import asyncio

import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from sweepd.codec.values import point_from_message
from system.installation import Installation
from system.wire import OnTheWire, Wire, through_the_gateway, work_to_the_end

OBJECTIVE = "program: t.py\nmetric: {name: loss}\n"


def one_value(start: v1.StartRun) -> list[float]:
    return [float(start.number)]


async def worked_off(wire: Wire, text: str, agents: int = 3) -> tuple[v1.Sweep, list[v1.Run]]:
    """Run a sweep to its end with some agents; return it and its runs."""
    name = (await wire.create(text)).name

    async def one() -> int:
        async with ScriptedAgent(wire.channel, name) as agent:
            return await work_to_the_end(agent, one_value)

    taken = await asyncio.gather(*(one() for _ in range(agents)))
    runs = await wire.all_runs(name)
    assert sum(taken) == len(runs)
    return await wire.get(name), runs


FINITE = "parameters: {a: {values: [1, 2, 3]}, b: {min: 1, max: 4}, c: {value: k}}\n"
CONSTANT = "parameters: {a: {value: 1}, b: {value: [1, {x: null}]}}\n"
CAP, GRID = v1.SWEEP_ENDING_CAP, v1.SWEEP_ENDING_GRID


@pytest.mark.parametrize(
    ("rest", "count", "distinct", "why"),
    [
        ("method: grid\n" + FINITE, 12, 12, GRID),
        ("method: random\n" + FINITE, 12, 12, GRID),
        ("method: bayes\n" + FINITE, 12, 12, GRID),
        ("method: random\nrun_cap: 5\n" + FINITE, 5, 5, CAP),
        ("method: random\nrun_cap: 12\n" + FINITE, 12, 12, CAP),
        ("method: random\nrun_cap: 50\n" + FINITE, 12, 12, GRID),
        ("method: grid\nrun_cap: 1\n" + FINITE, 1, 1, CAP),
        ("method: grid\nrun_cap: 12.0\n" + FINITE, 12, 12, CAP),
        ("method: grid\n" + CONSTANT, 1, 1, GRID),
        ("method: grid\nrun_cap: 3\n" + CONSTANT, 1, 1, GRID),
        ("method: random\n" + CONSTANT, 1, 1, GRID),
        ("method: random\nrun_cap: 3\n" + CONSTANT, 3, 1, CAP),
        ("method: grid\nparameters: {a: {values: [1, 1.0, 1, '1', true]}}\n", 3, 3, GRID),
        ("method: grid\nparameters: {q: {distribution: q_uniform, min: 0, max: 1, q: 0.25}}\n", 4, 4, GRID),
        ("method: random\nparameters: {a: {values: [x, y], probabilities: [0.9999, 0.0001]}}\n", 2, 2, GRID),
    ],
)
def test_a_finite_sweep_ends_once_each_point_was_tried(
    on_the_wire: OnTheWire, rest: str, count: int, distinct: int, why: v1.SweepEnding.ValueType
) -> None:
    async def scenario(wire: Wire) -> None:
        sweep, runs = await worked_off(wire, OBJECTIVE + rest)
        assert (sweep.state, sweep.ending) == (v1.SWEEP_STATE_FINISHED, why)
        assert sweep.run_counts == v1.RunCounts(finished=count)
        assert sweep.planned_runs == count
        assert [run.number for run in runs] == list(range(1, count + 1))
        points = [repr(point_from_message(run.parameters)) for run in runs]
        assert len(set(points)) == distinct

    on_the_wire(scenario)


@pytest.mark.parametrize(
    ("metric", "values", "runs"),
    [
        ("{name: loss, target: 0.1}", [0.5, 0.3, 0.1, 0.2], 3),
        ("{name: loss, goal: maximize, target: 0.9}", [0.5, 0.95, 0.2], 2),
        ("{name: loss, target: -1}", [0.0, float("-inf"), float("nan"), -1.5], 4),
    ],
)
def test_a_run_that_reaches_the_target_ends_the_search(
    on_the_wire: OnTheWire, metric: str, values: list[float], runs: int
) -> None:
    async def scenario(wire: Wire) -> None:
        text = f"program: t.py\nmethod: random\nmetric: {metric}\nparameters: {{x: {{min: 0.0, max: 1.0}}}}\n"
        name = (await wire.create(text)).name
        async with (
            ScriptedAgent(wire.channel, name, slots=2) as agent,
            ScriptedAgent(wire.channel, name) as other,
        ):
            await other.offer()
            live = await other.start_process(await other.next_start())
            await agent.offer(1)
            for value in values[:runs]:
                ref = await agent.start_process(await agent.next_start())
                await agent.observe(ref, 1, value, 0.5)
                await agent.exit(ref, 2, keys=["loss"])
                await agent.acked_exit(ref)
                await agent.offer(1)
            sweep = await wire.get(name)
            assert (sweep.state, sweep.ending) == (v1.SWEEP_STATE_RUNNING, v1.SWEEP_ENDING_TARGET)
            assert sweep.run_counts == v1.RunCounts(finished=runs, running=1)
            await other.exit(live, 0)  # a live run is not stopped
            await other.acked_exit(live)
            await agent.receive("sweep_ended")
        sweep = await wire.ended(name)
        assert sweep.state == v1.SWEEP_STATE_FINISHED
        assert sweep.run_counts == v1.RunCounts(finished=runs + 1)

    on_the_wire(scenario)


def test_failed_and_stopped_runs_count_for_the_cap_and_a_lost_one_counts_once(
    installation: Installation,
) -> None:
    server = installation.start_server("--lease", "500ms", "--lost-after", "1s")

    async def scenario(wire: Wire) -> None:
        text = OBJECTIVE + "method: random\nrun_cap: 3\nparameters: {x: {min: 0.0, max: 1.0}}\n"
        name = (await wire.create(text)).name
        async with ScriptedAgent(wire.channel, name) as lost:
            await lost.offer()
            start = await lost.next_start()
            await lost.start_process(start)
        async with ScriptedAgent(wire.channel, name) as agent:
            ends = {1: {"code": 0}, 2: {"code": 1}, 3: {"cause": v1.EXIT_CAUSE_SIGNALED, "code": None}}
            attempts = {}
            for _ in range(3):
                await agent.offer()
                start = await agent.next_start()
                ref = await agent.start_process(start)
                await agent.exit(ref, **ends[start.number])  # type: ignore[arg-type]
                await agent.acked_exit(ref)
                attempts[start.number] = start.attempt
        sweep = await wire.ended(name)
        assert sweep.run_counts == v1.RunCounts(finished=1, failed=2)
        assert attempts == {1: 2, 2: 1, 3: 1}

    through_the_gateway(server, scenario)


def test_the_third_run_without_the_objective_pauses_the_sweep_and_resume_restarts_the_count(
    on_the_wire: OnTheWire,
) -> None:
    async def scenario(wire: Wire) -> None:
        text = (
            "program: t.py\nmethod: random\nmetric: {name: val_loss}\nparameters: {x: {min: 0.0, max: 1.0}}\n"
        )
        name = (await wire.create(text)).name
        async with ScriptedAgent(wire.channel, name) as agent:

            async def one_run() -> v1.Ack:
                await agent.offer()
                ref = await agent.start_process(await agent.next_start())
                await agent.exit(ref, 0, keys=["acc", "loss"])
                return await agent.acked_exit(ref)

            for number in (1, 2, 3):
                ack = await one_run()
                assert "val_loss" in ack.notice
                assert "loss" in ack.notice
                sweep = await wire.get(name)
                assert sweep.objective_missing.consecutive_runs == number
                assert sweep.objective_missing.logged_keys == ["acc", "loss"]
                assert (sweep.state == v1.SWEEP_STATE_PAUSED) == (number == 3)
            assert "val_loss" in (await wire.get(name)).reason
            assert "val_loss" in (await wire.run(f"{name}-1")).reason
            await wire.sweeps.ResumeSweep(v1.ResumeSweepRequest(name=name))
            assert "val_loss" in (await one_run()).notice
            assert (await wire.get(name)).state == v1.SWEEP_STATE_RUNNING
            await agent.offer()
            ref = await agent.start_process(await agent.next_start())
            await agent.observe(ref, 1, 0.5)
            await agent.exit(ref, 1, keys=["val_loss"])
            await agent.acked_exit(ref)
            assert not (await wire.get(name)).HasField("objective_missing")
            for _ in range(
                4
            ):  # the objective was logged once: later runs without it are reported, and the sweep continues
                assert "val_loss" in (await one_run()).notice
            assert (await wire.get(name)).state == v1.SWEEP_STATE_RUNNING

    on_the_wire(scenario)
