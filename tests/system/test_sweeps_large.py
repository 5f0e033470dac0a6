"""Sweeps with large runs: more of them than fit into one message."""

from __future__ import annotations

import asyncio
import json

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from system.installation import Installation
from system.wire import Wire, through_the_gateway, work_to_the_end

RUNS = 24
LARGE = {
    "program": "t.py",
    "method": "bayes",
    "run_cap": RUNS,
    "seed": 3,
    "metric": {"name": "loss"},
    "parameters": {"s": {"value": "x" * 400_000}, "x": {"min": 0.0, "max": 1.0}},
}


def test_a_sweep_of_large_runs_is_searched_listed_watched_and_exported(installation: Installation) -> None:
    server = installation.start_server()
    sweep = installation.create(json.dumps(LARGE))

    async def scenario(wire: Wire) -> None:
        waiting = asyncio.create_task(wire.ended(sweep))
        async with ScriptedAgent(wire.channel, sweep) as agent:
            assert await work_to_the_end(agent, lambda start: [1.0 / start.number]) == RUNS
        await waiting
        runs = await wire.all_runs(sweep)
        assert [run.number for run in runs] == list(range(1, RUNS + 1))
        assert any(run.provenance.engine and run.provenance.observations_seen > 8 for run in runs)
        sizes: list[int] = []
        async for part in wire.sweeps.WatchSweep(v1.WatchSweepRequest(name=sweep), timeout=20):
            sizes += [run.number for run in part.runs]
            if not part.snapshot_continues:
                break
        assert sizes == list(range(1, RUNS + 1))

    through_the_gateway(server, scenario)
    assert len(installation.ctl("runs", sweep, "-o", "name").stdout.splitlines()) == RUNS
    assert len(installation.export(sweep, "run")) == RUNS
    assert "finished" in installation.ctl("watch", sweep).stdout
    assert "Traceback" not in (installation.folder / "server.log").read_text()


def test_a_sweep_file_of_the_maximum_size_is_created_and_listed(installation: Installation) -> None:
    installation.start_server()
    values = [f"{number:03d}" + "x" * 400_000 for number in range(7)]
    text = json.dumps(LARGE | {"method": "grid", "parameters": {"s": {"values": values}}})
    assert len(text) > 2_800_000
    sweeps = [installation.create(text) for _ in range(3)]
    listed = installation.ctl("list", "-o", "name").stdout.splitlines()
    assert listed == sweeps[::-1]
    assert installation.json("get", sweeps[0])["plannedRuns"] == 7


SLOW = {
    "program": "t.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {name: {"min": 1, "max": 100} for name in "abc"},
    "constraints": ["(a * b * c) % 7 == 3"],
}
"""A million combinations, which are counted one by one when the sweep is created."""


def test_other_calls_are_answered_while_points_are_counted(installation: Installation) -> None:
    server = installation.start_server()
    other = installation.create(json.dumps({**SLOW, "constraints": [], "run_cap": 200}))

    async def scenario(wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        counting = [asyncio.create_task(wire.create(json.dumps(SLOW))) for _ in range(2)]
        waits: list[float] = []
        async with ScriptedAgent(wire.channel, other) as agent:
            working = asyncio.create_task(work_to_the_end(agent, lambda start: [1.0]))
            while not all(task.done() for task in counting):
                began = loop.time()
                await wire.get(other)
                await wire.sweeps.ListSweeps(v1.ListSweepsRequest(parent="local/demo"))
                waits.append(loop.time() - began)
            assert await working == 200
        assert [(await task).planned_runs for task in counting] == [106_008] * 2
        assert len(waits) > 10, "counting takes a while"
        # The counting shares the interpreter with other threads: calls are slower, but never by seconds.
        assert sorted(waits)[len(waits) // 2] < 1.0
        assert max(waits) < 5.0

    through_the_gateway(server, scenario)
