"""P15 and P16 with `impute_while_running`: values of running runs are observed, replayed and counted once."""

from __future__ import annotations

import asyncio
import os
import signal

from component.scheduler.scripted_agent import ScriptedAgent
from lanes import cursor
from sweepd import v1
from system.installation import Installation
from system.replay import replayed, study_of
from system.wire import Wire, through_the_gateway, wire_to

SWEEP = """
program: train.py
method: bayes
seed: 5
metric: {name: loss, impute_while_running: worst}
parameters:
  x: {min: 0.0, max: 1.0}
  y: {min: 0.0, max: 1.0}
"""
ENOUGH = 4
"""Points chosen by the model before the engine is killed, and after."""


class SlowAndQuick:
    """One run logs ever better values while others start and end, until the model has suggested enough."""

    def __init__(self, wire: Wire, slow: ScriptedAgent, quick: ScriptedAgent) -> None:
        self._wire = wire
        self._slow = slow
        self._quick = quick
        self.rows = 0

    async def begin(self) -> v1.AttemptRef:
        await self._slow.offer()
        return await self._slow.start_process(await self._slow.next_start())

    async def work(self, ref: v1.AttemptRef) -> None:
        modelled = 0
        async with asyncio.timeout(100):
            while modelled < ENOUGH:
                await self._log_next(ref)
                modelled += await self._one_more()

    async def finish(self, ref: v1.AttemptRef) -> None:
        await self._slow.exit(ref, self.rows, code=0, keys=["loss"])
        await self._slow.acked_exit(ref)

    async def _log_next(self, ref: v1.AttemptRef) -> None:
        self.rows = row = self.rows + 1
        for _ in range(2):  # sent twice, as after a broken connection
            await self._slow.observe(ref, row, 2.0 - row / 1_000)
        await self._slow.receive("ack", lambda answer: cursor(answer.ack, v1.LANE_OBSERVATIONS) == row)

    async def _one_more(self) -> bool:
        await self._quick.offer()
        start = await self._quick.next_start()
        ref = await self._quick.start_process(start)
        await self._quick.observe(ref, 1, 1.0 / start.number)
        await self._quick.exit(ref, 1, code=0, keys=["loss"])
        await self._quick.acked_exit(ref)
        run = await self._wire.run(start.run)
        return run.provenance.HasField("predicted_value")


def test_values_of_running_runs_are_observed_once_and_suggestions_can_be_replayed(
    installation: Installation,
) -> None:
    server = installation.start_server()

    async def scenario(wire: Wire) -> None:
        sweep = await wire.create(SWEEP)
        async with (
            ScriptedAgent(wire.channel, sweep.name, named="slow") as slow,
            ScriptedAgent(wire.channel, sweep.name, named="quick") as quick,
        ):
            both = SlowAndQuick(wire, slow, quick)
            ref = await both.begin()
            await both.work(ref)
            os.kill(server.service_pids()["suggestion"], signal.SIGKILL)
            await both.work(ref)
            await both.finish(ref)

        runs = {run.number: run for run in await wire.all_runs(sweep.name)}
        lines = study_of(server.data / "scheduler" / "scheduler.sqlite", list(runs.values()))
        observed = [line for line in lines if line.HasField("value_so_far")]
        shown = [line.value_so_far.value for line in observed]
        assert shown == sorted(set(shown), reverse=True), "each better value is observed once"
        assert len(shown) >= 2 * ENOUGH
        assert {line.run_number for line in observed} == {1}
        ends = [line.run_number for line in lines if line.HasField("ended")]
        assert sorted(ends) == sorted(runs), "every end is observed once"

        modelled = [run for run in runs.values() if run.provenance.HasField("predicted_value")]
        assert any(lines[run.provenance.study_length - 1].HasField("value_so_far") for run in modelled)
        async with wire_to(server.service_address("suggestion"), server.service_token) as inner:
            for run in (run for run in runs.values() if run.provenance.engine):
                point = await replayed(inner, sweep.spec, lines, run)
                assert point == run.parameters, f"run {run.number}: {run.provenance}"

    through_the_gateway(server, scenario)
