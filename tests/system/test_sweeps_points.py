"""A sweep runs the points of its preview, and concurrent agents never get the same point."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from sweepd.codec.values import point_from_message
from sweepd.spec.point import canonical_json, point_digest
from system.installation import Installation
from system.wire import OnTheWire, Wire, work_to_the_end
from waiting import until

FIFTY = "method: grid\nprogram: t.py\nparameters: {a: {min: 1, max: 10}, b: {values: [1, 2, 3, 4, 5]}}\n"
TREE = (
    "parameters:\n"
    "  kind: {values: [sgd, adam, none]}\n"
    "  momentum: {values: [0.0, 0.5, 0.9], when: kind == 'sgd'}\n"
    "  beta: {values: [0.8, 0.9, 0.99, 0.999], when: kind == 'adam'}\n"
    "  depth: {min: 1, max: 3}\n"
    "constraints: [\"depth < 3 or kind != 'none'\"]\n"
)
MIXED = (
    "parameters:\n"
    "  lr: {distribution: log_uniform_values, min: 1.0e-5, max: 0.1}\n"
    "  net: {parameters: {width: {values: [64, 128, 256]}, drop: {min: 0.0, max: 0.5}}}\n"
    "  wide: {min: 1, max: 4, when: net.width >= 128}\n"
    "constraints: ['lr < 0.01 or net.drop > 0.25']\n"
)
SWEEPS = {
    "grid": "method: grid\n" + TREE,
    "shuffled grid": "method: grid\nshuffle: true\nseed: 5\nrepeats: 2\n" + TREE,
    "random": "method: random\nrun_cap: 30\nseed: 5\ninitial: [{lr: 0.001}]\n" + MIXED,
    "random in a finite space": "method: random\nseed: 6\n" + TREE,
    "sobol": "method: sobol\nrun_cap: 32\nseed: 7\n" + MIXED,
    "sobol in a finite space": "method: sobol\nseed: 8\nrepeats: 2\nrun_cap: 43\n" + TREE,
    "zipped grid, two points first": (
        "method: grid\nzip: [[a, b]]\ninitial: [{c: 3, a: 2}, {b: z}]\nparameters:\n"
        "  a: {values: [1, 2, 3]}\n  b: {values: [x, y, z]}\n  c: {min: 1, max: 3, when: a > 1}\n"
    ),
    "list within a space": (
        "method: list\nrepeats: 2\nruns: [{a: 3, b: 0.5}, {a: 1}]\n"
        "parameters: {a: {min: 1, max: 9}, b: {min: 0.0, max: 1.0, when: a > 2}}\n"
    ),
    "list": "method: list\nruns: [{a: 1}, {a: 2, b: {c: x}}, {a: 1}, {a: 1}]\n",
}


async def at_once(wire: Wire, sweep: str, agents: int) -> list[v1.StartRun]:
    """Let many agents make offers at the same time, each on its own stream; return the run of each."""
    asks = asyncio.Event()

    async def one() -> v1.StartRun:
        async with ScriptedAgent(wire.channel, sweep) as agent:
            await asks.wait()
            await agent.offer()
            start = await agent.next_start()
            given.append(start)
            if len(given) == agents:
                all_started.set()
            await all_started.wait()  # no run ends before all agents have one
            return start

    given: list[v1.StartRun] = []
    all_started = asyncio.Event()
    tasks = [asyncio.create_task(one()) for _ in range(agents)]
    asks.set()
    return await asyncio.gather(*tasks)


@pytest.mark.parametrize("extra", ["", "shuffle: true\nseed: 3\n"])
def test_fifty_concurrent_agents_get_the_fifty_points_of_a_grid(on_the_wire: OnTheWire, extra: str) -> None:
    """P13, with fifty streams on a real server."""

    async def scenario(wire: Wire) -> None:
        sweep = await wire.create(FIFTY + extra)
        starts = await at_once(wire, sweep.name, 50)
        points = {point_digest(point_from_message(start.parameters)) for start in starts}
        assert len(points) == 50
        assert sorted(start.number for start in starts) == list(range(1, 51))
        assert (await wire.get(sweep.name)).ending == v1.SWEEP_ENDING_GRID

    on_the_wire(scenario)


def test_real_agents_with_fifty_slots_complete_a_grid(installation: Installation) -> None:
    installation.join_server()
    sweep = installation.create(FIFTY + "shuffle: true\ncommand: ['true', '${args}']\n")
    agents = [installation.start_agent(sweep, "--slots", "10") for _ in range(5)]
    installation.ctl("wait", sweep, "--timeout", "60s")
    assert [agent.process.wait(20) for agent in agents] == [0] * 5
    runs = installation.export(sweep, "run")
    assert len(runs) == len({canonical_json(run["params"]) for run in runs}) == 50
    assert {run["state"] for run in runs} == {"finished"}
    assert {run["attempt"] for run in runs} == {1}


@pytest.mark.parametrize("what", list(SWEEPS))
def test_a_sweep_runs_the_points_of_the_preview_of_its_file(
    installation: Installation, on_the_wire: OnTheWire, what: str
) -> None:
    """A file with a seed gives equal points in a local preview and with many agents on a server."""
    text = "program: t.py\n" + SWEEPS[what]
    installation.write("sweep.yaml", text)
    shown = installation.ctl("preview", "sweep.yaml", "-n", "500", "-o", "jsonl")
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    whole = installation.json("preview", "sweep.yaml", "-n", "0")
    assert all(set(line) == {"params", "argv"} for line in lines)

    async def scenario(wire: Wire) -> None:
        sweep = await wire.create(text)
        assert sweep.planned_runs == whole["plannedRuns"] == len(lines)

        async def one() -> int:
            async with ScriptedAgent(wire.channel, sweep.name) as agent:
                return await work_to_the_end(agent, lambda start: [])

        assert sum(await asyncio.gather(*(one() for _ in range(3)))) == len(lines)
        runs = await wire.all_runs(sweep.name)
        assert [point_from_message(run.parameters) for run in runs] == [line["params"] for line in lines]
        file = v1.SweepFile(file_name="sweep.yaml", content=text.encode())
        answer = await wire.sweeps.PreviewSweep(v1.PreviewSweepRequest(file=file, count=500))
        previewed = answer.preview.runs
        assert [run.parameters for run in previewed] == [run.parameters for run in runs]
        assert [list(run.argv) for run in previewed] == [line["argv"] for line in lines]
        assert [run.source for run in previewed] == [run.provenance.source for run in runs]
        assert [run.repeat for run in previewed] == [run.repeat for run in runs]
        assert answer.preview.planned_runs == len(lines)

    on_the_wire(scenario)


def test_points_are_the_same_although_the_scheduler_is_killed_repeatedly(
    installation: Installation,
) -> None:
    """Agents with four slots run all sweeps concurrently; only the file decides on the points."""
    server = installation.start_server()
    shown: dict[str, list[object]] = {}
    for text in SWEEPS.values():
        name = installation.create(f"{text}command: ['true', '${{args}}']\nguard: {{agent: 1000}}\n")
        lines = installation.ctl("preview", "sweep.yaml", "-n", "500", "-o", "jsonl").stdout.splitlines()
        shown[name] = [json.loads(line)["params"] for line in lines]
    first, *others = shown
    flags = [flag for name in others for flag in ("--sweep", name)]
    agents = [installation.start_agent(first, *flags, "--slots", "4") for _ in range(2)]

    def started() -> int:
        return sum(len(agent.events("run_started")) for agent in agents)

    for share in (0.2, 0.4, 0.6):
        wanted = share * sum(map(len, shown.values()))
        until(lambda wanted=wanted: started() >= wanted, within=90)  # type: ignore[misc]  # bound at once
        os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
    assert [agent.process.wait(120) for agent in agents] == [0, 0]
    for name, points in shown.items():
        runs = sorted(installation.export(name, "run"), key=lambda run: int(str(run["number"])))
        assert [run["params"] for run in runs] == points
        assert {run["state"] for run in runs} == {"finished"}


def test_a_real_agent_starts_the_runs_of_the_preview(installation: Installation) -> None:
    text = (
        "program: t.py\nmethod: grid\ncommand: ['true', '${args}', '--repeat=${repeat}', '${args_json}']\n"
        "repeats: 2\nparameters: {a: {values: [1, 'two words']}, o: {parameters: {x: {value: null}}}}\n"
    )
    installation.join_server()
    sweep = installation.create(text)
    agent = installation.start_agent(sweep)
    installation.ctl("wait", sweep, "--timeout", "60s")
    assert agent.process.wait(15) == 0
    shown = installation.ctl("preview", "sweep.yaml", "-o", "jsonl").stdout.splitlines()
    runs = sorted(installation.export(sweep, "run"), key=lambda run: int(str(run["number"])))
    started = [run["attempts"][0]["argv"] for run in runs]  # type: ignore[index]  # plain JSON
    assert [json.loads(line)["argv"] for line in shown] == started
    assert len(started) == 4
