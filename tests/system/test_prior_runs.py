"""Sweeps with prior runs, over real processes: output of commands, replay, kills during creation."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import grpc.aio
import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from system.installation import Installation
from system.replay import replayed, study_of
from system.wire import Wire, through_the_gateway, wire_to, work_to_the_end

OLD = """
program: {trials}/steps.py
method: grid
project: old
metric: {{name: loss}}
parameters: {{a: {{values: [1, 2, 3]}}, x: {{value: 0.25}}}}
"""
NEW = OLD.replace("old", "new").replace("[1, 2, 3]", "[2, 3, 4]").replace("loss", "step_seen")
SPACE = "program: t.py\nseed: 3\nmetric: {name: loss}\nparameters: {x: {min: 0.0, max: 1.0}}\n"
MANY = "method: random\nrun_cap: 300\n" + SPACE
BAYES = "method: bayes\n" + SPACE
MODELLED = 3
"""Points of the model that are worked out again."""


def test_commands_create_show_and_export_a_sweep_with_prior_runs(installation: Installation) -> None:
    trials = Path(__file__).parent / "trials"
    server = installation.start_server()
    old = installation.create(OLD.format(trials=trials))
    assert installation.start_agent(old, "--slots", "3").process.wait(60) == 0
    file = installation.write("new.yaml", NEW.format(trials=trials))
    shown = installation.ctl("preview", str(file), "--prior-sweep", old)
    assert "3 points, 1 run in all" in shown.stderr
    assert "Would begin with 2 prior runs." in shown.stderr
    for flag, wrong, output in (
        ("--prior-run", f"{old}:99", f"error: {old}-99 does not exist"),
        ("--prior-project", "odl", "error: project local/odl does not exist"),
    ):
        assert output in installation.ctl("create", str(file), flag, wrong, code=3).stderr
    made = installation.json("create", str(file), "--prior-project", "old", "--prior-run", f"{old}:1")
    name = str(made["name"])
    report = made["priorRuns"]
    assert isinstance(report, dict)
    assert (report["taken"], report["unsuitable"], report["withoutCurve"]) == (2, 1, 0)
    assert installation.start_agent(name).process.wait(60) == 0
    listed = installation.ctl("runs", name, "--prior", "-o", "csv").stdout.splitlines()
    assert len(listed) == 1 + 2
    assert all(f",{old}-" in line for line in listed[1:])
    sweep = installation.json("get", name)
    assert (sweep["priorRuns"], sweep["plannedRuns"], sweep["state"]) == (2, 1, "finished")
    output = installation.ctl("explain", name).stdout
    assert "prior runs: 2" in output
    exported = installation.export(name, "prior")
    assert [(line["prior"], line["value"]) for line in exported] == [(n, 1.0) for n in (1, 2)]
    rows = installation.ctl("export", name, "-o", "csv").stdout.splitlines()
    assert len(rows) == 1 + 1 + 2

    proposed = installation.ctl("propose-config", "--project", "old")
    assert "project: old" in proposed.stdout
    line = next(line for line in proposed.stderr.splitlines() if line.startswith("Create it"))
    installation.write("sweep.yaml", proposed.stdout)
    command = shlex.split(line.partition(":  ")[2])
    created = installation.ctl(*command[1:], "--id", "seeded")
    assert "Begins with 3 prior runs." in created.stderr
    assert "left out" not in created.stderr
    assert server.stop() == 0


async def old_runs(wire: Wire, text: str = MANY) -> v1.Sweep:
    """Run a sweep whose runs log one value each, and return its runs."""
    sweep = await wire.create(text)

    async def one() -> None:
        async with ScriptedAgent(wire.channel, sweep.name) as agent:
            await work_to_the_end(agent, lambda start: [start.number / 1_000])

    await asyncio.gather(*(one() for _ in range(4)))
    return sweep


async def work_until_modelled(wire: Wire, sweep: str) -> None:
    """Take runs one after another until some of their points come from the model."""
    modelled = 0
    async with asyncio.timeout(100), ScriptedAgent(wire.channel, sweep) as agent:
        while modelled < MODELLED:
            await agent.offer()
            start = await agent.next_start()
            ref = await agent.start_process(start)
            await agent.observe(ref, 1, 1.0 / start.number)
            await agent.exit(ref, 1, keys=["loss"])
            await agent.acked_exit(ref)
            modelled += (await wire.run(start.run)).provenance.HasField("predicted_value")


async def prior_runs(wire: Wire, sweep: str) -> list[v1.PriorRun]:
    request = v1.ListPriorRunsRequest(sweep=sweep, page_size=1_000)
    return list((await wire.runs.ListPriorRuns(request)).prior_runs)


def test_suggestions_of_a_search_with_prior_runs_can_be_replayed(
    installation: Installation,
) -> None:
    """P15, P16."""
    server = installation.start_server()

    async def scenario(wire: Wire) -> None:
        old = await old_runs(wire, MANY.replace("300", "12"))
        request = v1.CreateSweepRequest(
            parent="local/demo",
            file=v1.SweepFile(file_name="s.yaml", content=BAYES.encode()),
            prior_runs=v1.PriorRunSelection(sweeps=[old.name]),
        )
        sweep = (await wire.sweeps.CreateSweep(request)).sweep
        await work_until_modelled(wire, sweep.name)
        runs = await wire.all_runs(sweep.name)
        prior = await prior_runs(wire, sweep.name)
        assert len(prior) == 12
        lines = study_of(server.data / "scheduler" / "scheduler.sqlite", runs, prior)
        assert [line.prior_index for line in lines[:24]] == [1 + place // 2 for place in range(24)]
        assert not any(line.prior_index for line in lines[24:])
        suggested = [run for run in runs if run.provenance.HasField("predicted_value")]
        assert len(suggested) >= MODELLED
        assert all(
            run.provenance.study_length >= 24 and run.provenance.observations_seen >= 12 for run in suggested
        )
        async with wire_to(server.service_address("suggestion"), server.service_token) as inner:
            for run in suggested:
                assert await replayed(inner, sweep.spec, lines, run) == run.parameters

    through_the_gateway(server, scenario)


@pytest.mark.parametrize("delays", [(0.0, 0.03, 0.08, 0.15)])
def test_a_kill_during_a_creation_leaves_all_or_nothing(
    installation: Installation, delays: tuple[float, ...]
) -> None:
    server = installation.start_server()

    async def scenario(wire: Wire) -> None:
        old = await old_runs(wire)
        for number, delay in enumerate(delays):
            request = v1.CreateSweepRequest(
                parent="local/demo",
                sweep_id=f"new{number}",
                file=v1.SweepFile(
                    file_name="s.yaml",
                    content=BAYES.encode(),
                ),
                prior_runs=v1.PriorRunSelection(sweeps=[old.name]),
                request_id=f"create-{number}",
            )
            asked = asyncio.ensure_future(wire.sweeps.CreateSweep(request, timeout=20))
            await asyncio.sleep(delay)  # chooses a time during the creation
            os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
            with suppress(grpc.aio.AioRpcError):
                await asked
            answer = await again(wire, request)
            assert answer.prior_runs.taken == 300
            assert len(await prior_runs(wire, answer.sweep.name)) == 300

    through_the_gateway(server, scenario)
    path = server.data / "scheduler" / "scheduler.sqlite"
    assert server.stop() == 0
    with closing(sqlite3.connect(path)) as connection:
        whole = connection.execute(
            "select s.sweep, s.prior_runs, (select count(*) from prior_run where sweep_id = s.id),"
            " (select count(*) from observation where sweep_id = s.id and run < 0)"
            " from sweep s where s.prior_runs > 0 order by s.id"
        ).fetchall()
        assert whole == [(f"new{number}", 300, 300, 600) for number in range(len(delays))]
        for table in ("prior_run", "observation"):
            stray = f"select count(*) from {table} where sweep_id not in (select id from sweep)"
            assert connection.execute(stray).fetchone() == (0,)


async def again(wire: Wire, request: v1.CreateSweepRequest) -> v1.CreateSweepResponse:
    """Repeat the call until it succeeds."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await wire.sweeps.CreateSweep(request, timeout=20)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017
                await asyncio.sleep(0.1)
