"""P15 to P18 for a sweep with conditions, constraints, a zip and repeats whose engine is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from sweepd.codec.values import point_from_message
from sweepd.spec.parse import parse_text
from system.installation import Installation
from system.replay import replayed, study_of
from system.wire import Wire, through_the_gateway, wire_to

RULED = """
program: train.py
method: bayes
seed: 5
repeats: 2
aggregate: mean
metric: {name: loss, value: last, impute: worst}
parameters:
  kind: {values: [sgd, adam]}
  sgd_rate: {distribution: log_uniform_values, min: 0.00001, max: 1.0, when: kind == 'sgd'}
  adam_rate: {distribution: log_uniform_values, min: 0.00001, max: 1.0, when: kind == 'adam'}
  x: {min: 0.0, max: 1.0}
  y: {min: 0.0, max: 1.0}
  width: {values: [8, 16, 32]}
  depth: {values: [3, 2, 1]}
zip: [[width, depth]]
constraints: [x + y <= 1, width < 32 or kind == 'adam']
"""
AGENTS = 3
ENOUGH = 6
"""Points chosen by the model before the engine is killed, and after."""


def losses(number: int) -> list[float]:
    """Return the values that a run logs: the worst first, then the best, then the one that counts."""
    return [9.0 + number, 0.0, 1.0 / number]


def fails(number: int) -> bool:
    return number % 11 == 0


class Agents:
    """Agents that take runs and report each twice until the model has suggested enough points."""

    def __init__(self, wire: Wire, sweep: str) -> None:
        self._wire = wire
        self._sweep = sweep
        self.numbers: Counter[int] = Counter()
        self._modelled: set[int] = set()

    async def work(self, modelled: int) -> None:
        """Take runs until `modelled` more points come from the model."""
        self._modelled.clear()
        async with asyncio.timeout(100):
            await asyncio.gather(*(self._one(modelled) for _ in range(AGENTS)))

    async def _one(self, modelled: int) -> None:
        async with ScriptedAgent(self._wire.channel, self._sweep) as agent:
            while len(self._modelled) < modelled:
                await agent.offer()
                start = await agent.next_start()
                ref = await agent.start_process(start)
                values = losses(start.number)
                for _ in range(2):
                    await agent.observe(ref, 1, *values)
                    await agent.exit(ref, len(values), code=int(fails(start.number)), keys=["loss"])
                await agent.acked_exit(ref)
                self.numbers[start.number] += 1
                run = await self._wire.run(start.run)
                if run.provenance.HasField("predicted_value"):
                    self._modelled.add(run.number - (run.number - 1) % 2)


def test_suggestions_can_be_replayed_and_points_count_once_although_the_engine_is_killed(
    installation: Installation,
) -> None:
    server = installation.start_server()
    spec = parse_text(RULED.encode(), file="sweep.yaml").spec
    assert spec is not None

    async def scenario(wire: Wire) -> None:
        sweep = await wire.create(RULED)
        agents = Agents(wire, sweep.name)
        await agents.work(ENOUGH)
        os.kill(server.service_pids()["suggestion"], signal.SIGKILL)
        await agents.work(ENOUGH)

        runs = {run.number: run for run in await wire.all_runs(sweep.name)}
        assert set(agents.numbers.values()) == {1}
        for run in runs.values():
            assert spec.search_space.violations(point_from_message(run.parameters)) == ()
            assert run.parameters == runs[run.number - (run.number - 1) % 2].parameters

        lines = study_of(server.data / "scheduler" / "scheduler.sqlite", list(runs.values()))
        ends = [line for line in lines if line.WhichOneof("event") == "ended"]
        whole = [number for number in runs if number % 2 and {number, number + 1} <= agents.numbers.keys()]
        assert sorted(line.run_number for line in ends) == sorted(whole)
        for line in ends:
            pair = (line.run_number, line.run_number + 1)
            end = line.ended
            if any(fails(number) for number in pair):
                assert end.outcome == v1.RUN_OUTCOME_FAILED
                assert not end.HasField("value")
            else:
                assert end.outcome == v1.RUN_OUTCOME_FINISHED
                assert end.value == sum(losses(number)[-1] for number in pair) / 2

        suggested = [run for run in runs.values() if run.provenance.engine and run.number % 2]
        assert sum(run.provenance.HasField("predicted_value") for run in suggested) >= 2 * ENOUGH
        async with wire_to(server.service_address("suggestion"), server.service_token) as inner:
            for run in suggested:
                point = await replayed(inner, sweep.spec, lines, run)
                assert point == run.parameters, f"run {run.number}: {run.provenance}"

    through_the_gateway(server, scenario)
