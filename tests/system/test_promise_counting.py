"""P13 to P16: exact counts with many concurrent agents, reproducible points, ends counted once."""

from __future__ import annotations

import asyncio
import os
import signal

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from sweepd.codec.values import point_from_message
from sweepd.spec.parse import parse_text
from sweepd.spec.point import point_digest
from system.installation import Installation
from system.replay import replayed, study_of
from system.wire import Wire, through_the_gateway, wire_to, work_to_the_end
from waiting import until

OBJECTIVE = "program: train.py\nmetric: {name: loss}\n"
GRID = (
    OBJECTIVE
    + "method: grid\nparameters: {a: {values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}, b: {min: 1, max: 20}}\n"
)
RANDOM = (
    OBJECTIVE + "method: random\nrun_cap: 150\nseed: 7\n"
    "parameters: {x: {min: 0.0, max: 1.0}, o: {values: [a, b]}}\n"
)
BAYES = (
    OBJECTIVE
    + "method: bayes\nrun_cap: 24\nseed: 11\nparameters: {x: {min: 0.0, max: 1.0}, y: {min: 0, max: 9}}\n"
)


def logs_its_number(start: v1.StartRun) -> list[float]:
    return [1.0 / start.number]


async def run_agents(wire: Wire, sweep: str, size: int, *, twice: bool = False) -> list[int]:
    """Run many concurrent agents, each on its own stream, until the sweep has ended."""

    async def one() -> int:
        async with ScriptedAgent(wire.channel, sweep) as agent:
            return await work_to_the_end(agent, logs_its_number, twice=twice)

    return await asyncio.gather(*(one() for _ in range(size)))


def test_a_cap_is_exact_and_a_grid_complete_with_32_concurrent_agents(installation: Installation) -> None:
    server = installation.join_server()

    async def scenario(wire: Wire) -> None:
        for text, count in ((RANDOM, 150), (GRID, 200)):
            sweep = await wire.create(text)
            assert sum(await run_agents(wire, sweep.name, 32)) == count
            after = await wire.get(sweep.name)
            assert after.state == v1.SWEEP_STATE_FINISHED
            assert after.run_counts == v1.RunCounts(finished=count)
            runs = await wire.all_runs(sweep.name, page_size=64)
            assert [run.number for run in runs] == list(range(1, count + 1))
            assert len({point_digest(point_from_message(run.parameters)) for run in runs}) == count
            assert {run.attempt for run in runs} == {1}

    through_the_gateway(server, scenario)


def test_a_grid_runs_every_point_once_although_the_scheduler_is_killed_repeatedly(
    installation: Installation,
) -> None:
    server = installation.start_server()
    text = GRID.replace("max: 20", "max: 4").replace("train.py", "quick.py")
    installation.write("quick.py", "import sweepd\nsweepd.init()\nsweepd.log({'loss': 1.0})\n")
    sweep = installation.create(text + 'command: [python, "${program}"]\n')
    agents = [installation.start_agent(sweep, "--slots", "2") for _ in range(2)]
    for done in (4, 14, 26):
        until(lambda: sum(len(agent.events("result_acked")) for agent in agents) >= done, within=60)  # noqa: B023
        os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
    assert [agent.process.wait(90) for agent in agents] == [0, 0]
    installation.ctl("wait", sweep, "--timeout", "0")
    runs = installation.export(sweep, "run")
    assert [run["number"] for run in runs] == list(range(1, 41))
    assert {run["state"] for run in runs} == {"finished"}
    assert len({str(run["params"]) for run in runs}) == 40
    assert len(installation.export(sweep, "observation")) == 40


def test_points_by_index_depend_only_on_seed_and_index(installation: Installation) -> None:
    server = installation.join_server()

    async def scenario(wire: Wire) -> None:
        for text in (RANDOM.replace("150", "40"), GRID.replace("max: 20", "max: 3")):
            spec = parse_text(text.encode(), file="sweep.yaml").spec
            assert spec is not None
            sweep = await wire.create(text)
            await run_agents(wire, sweep.name, 5)
            for run in await wire.all_runs(sweep.name):
                index, where = run.provenance.index, run.provenance.source
                expected = (
                    spec.search_space.grid.at(index)
                    if where == v1.POINT_SOURCE_GRID
                    else spec.search_space.random_point(run.provenance.seed, index)
                )
                assert index == run.number - 1
                assert point_from_message(run.parameters) == expected

    through_the_gateway(server, scenario)


def test_every_suggestion_can_be_replayed_and_each_end_counts_once(installation: Installation) -> None:
    server = installation.start_server()

    async def scenario(wire: Wire) -> None:
        sweep = await wire.create(BAYES)
        await run_agents(wire, sweep.name, 4, twice=True)
        runs = await wire.all_runs(sweep.name)
        lines = study_of(server.data / "scheduler" / "scheduler.sqlite", runs)
        assert [line.WhichOneof("event") for line in lines].count("ended") == len(runs) == 24
        async with wire_to(server.service_address("suggestion"), server.service_token) as inner:
            suggested = [run for run in runs if run.provenance.engine]
            assert suggested
            for run in suggested:
                point = await replayed(inner, sweep.spec, lines, run)
                assert point == run.parameters, f"run {run.number} of {run.provenance}"

    through_the_gateway(server, scenario)
