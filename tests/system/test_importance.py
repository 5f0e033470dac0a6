"""Importance of parameters on a real server: for the objective, for another metric, and without either."""

from __future__ import annotations

import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from lanes import cursor
from sweepd import v1
from sweepd.codec.values import point_from_message
from system.wire import OnTheWire, Wire, failure

GRID = """
program: train.py
method: grid
metric: {name: loss}
parameters: {a: {values: [1, 2, 3, 4]}, b: {values: [x, y]}, c: {values: [1, 2]}}
"""


def _points_stored(message: v1.AttachResponse) -> bool:
    return cursor(message.ack, v1.LANE_POINTS) == 1


async def tried(wire: Wire, sweep: str) -> None:
    """Run the whole grid: `loss` is decided by `a`, `acc` by `b`; the last run fails."""
    async with ScriptedAgent(wire.channel, sweep) as agent:
        for number in range(1, 17):
            await agent.offer()
            start = await agent.next_start()
            point, ref = point_from_message(start.parameters), await agent.start_process(start)
            assert isinstance(point["a"], int)
            await agent.observe(ref, 1, float(point["a"]))
            await agent.points(ref, 1, float(point["b"] == "y"), key="acc")
            await agent.receive("ack", lambda m, ref=ref: m.ack.attempt == ref and _points_stored(m))  # type: ignore[misc]
            await agent.exit(ref, 1, keys=["loss"], code=int(number == 16))
            await agent.acked_exit(ref)


def test_each_metric_has_its_own_importance(on_the_wire: OnTheWire) -> None:
    async def scenario(wire: Wire) -> None:
        sweep = (await wire.create(GRID)).name

        async def importance(key: str = "") -> v1.Importance:
            request = v1.GetSweepImportanceRequest(name=sweep, key=key)
            return (await wire.sweeps.GetSweepImportance(request, timeout=60)).importance

        assert (await importance()).runs == 0
        await tried(wire, sweep)
        loss = await importance()
        assert (loss.runs, list(loss.parameters[0].names)) == (15, ["a"])
        assert loss.parameters[0].correlation == pytest.approx(1.0)
        assert loss.explained > 0
        assert sum(one.importance for one in loss.parameters) == pytest.approx(1.0)
        acc = await importance("acc")
        assert (acc.runs, list(acc.parameters[0].names)) == (15, ["b"])
        assert [one.correlation for one in acc.parameters[0].categories] == pytest.approx([-1.0, 1.0])
        unknown = await importance("never-logged")
        assert (unknown.runs, unknown.HasField("explained")) == (0, False)

    on_the_wire(scenario)


def test_a_sweep_without_an_objective_requires_a_key(on_the_wire: OnTheWire) -> None:
    async def scenario(wire: Wire) -> None:
        sweep = (await wire.create(GRID.replace("metric: {name: loss}", ""))).name
        request = v1.GetSweepImportanceRequest(name=sweep)
        refused = await failure(wire.sweeps.GetSweepImportance(request))
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "invalid-field")
        assert "no metric" in refused.message
        request.key = "acc"
        assert not (await wire.sweeps.GetSweepImportance(request, timeout=60)).importance.runs
        nowhere = v1.GetSweepImportanceRequest(name="local/demo/nothing")
        assert (await failure(wire.sweeps.GetSweepImportance(nowhere))).code == "NOT_FOUND"

    on_the_wire(scenario)
