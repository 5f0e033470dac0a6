"""Early termination in the worked example of its definition: thresholds and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from lanes import cursor
from sweepd import v1
from system.wire import OnTheWire, Wire


@dataclass(frozen=True, slots=True)
class Log:
    """Rows of one run; they arrive before those of later runs."""

    letter: str
    values: tuple[float, ...]
    ends: bool = False


MINIMIZED = (
    Log("t", (0.70,)),
    Log("s", (0.99, 0.97, 0.30)),
    Log("p", (0.90, 0.70, 0.50, 0.40), ends=True),
    Log("q", (0.95, 0.80, 0.75, 0.70), ends=True),
    Log("r", (0.85, 0.60)),
    Log("u", (0.93, 0.90, 0.88, 0.86)),
)
MAXIMIZED = (
    Log("x", (10.0, 60.0, 70.0)),
    Log("z", (30.0, 80.0), ends=True),
    Log("y", (20.0, 50.0)),
    Log("w", (5.0,)),
)
Verdicts = dict[str, tuple[int, float, float]]
"""By run: the rung, its value there, and the threshold."""


def sweep_file(rule: str, goal: str) -> str:
    return (
        f"program: t.py\nmethod: random\nmetric: {{name: loss, goal: {goal}}}\n"
        f"parameters: {{x: {{min: 0.0, max: 1.0}}}}\nearly_terminate: {{type: hyperband, {rule}}}\n"
    )


async def verdicts(wire: Wire, text: str, logs: Sequence[Log]) -> Verdicts:
    """Let runs log their values one after the other; return the verdicts of the stopped ones."""
    sweep = (await wire.create(text)).name
    found: Verdicts = {}
    async with AsyncExitStack() as stack:
        live: list[tuple[Log, ScriptedAgent, v1.StartRun, v1.AttemptRef]] = []
        for log in logs:
            agent = await stack.enter_async_context(ScriptedAgent(wire.channel, sweep))
            await agent.offer()
            start = await agent.next_start()
            live.append((log, agent, start, await agent.start_process(start)))
        for log, agent, _, ref in live:
            for row, value in enumerate(log.values, 1):
                await agent.observe(ref, row, value)
            await _all_stored(agent, ref, len(log.values))
            if log.ends:
                await agent.exit(ref, len(log.values), keys=["loss"])
                await agent.acked_exit(ref)
        for log, agent, start, ref in live:
            run = await wire.run(start.run)
            if run.verdicts:
                await agent.receive("stop_run")
            assert not any(each.HasField("stop_run") for each in agent.received)
            if run.verdicts:
                (verdict,) = run.verdicts
                found[log.letter] = (verdict.rung, verdict.value, verdict.threshold)
                await agent.exit(ref, len(log.values), cause=v1.EXIT_CAUSE_COMMANDED, code=None)
                assert (await agent.acked_exit(ref)).run_state == v1.RUN_STATE_STOPPED
        counts = (await wire.get(sweep)).run_counts
        assert (counts.stopped, counts.failed) == (len(found), 0)
    return found


async def _all_stored(agent: ScriptedAgent, ref: v1.AttemptRef, rows: int) -> None:
    await agent.receive("ack", lambda m: m.ack.attempt == ref and cursor(m.ack, v1.LANE_OBSERVATIONS) == rows)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("min_iter: 2, eta: 2", {"s": (2, 0.97, 0.80), "u": (2, 0.90, 0.80)}),
        ("min_iter: 2, eta: 2, strict: false", {"u": (2, 0.90, 0.80)}),
        ("min_iter: 2", {"s": (2, 0.97, 0.70), "u": (2, 0.90, 0.70)}),
        ("max_iter: 9, s: 2, eta: 2", {"s": (2, 0.97, 0.80), "u": (2, 0.90, 0.80)}),
        ("min_iter: 4, eta: 2", {"u": (4, 0.86, 0.70)}),
        ("min_iter: 5, eta: 2", {}),
    ],
)
def test_the_worked_example_stops_the_documented_runs(
    on_the_wire: OnTheWire, rule: str, expected: Verdicts
) -> None:
    async def scenario(wire: Wire) -> None:
        assert await verdicts(wire, sweep_file(rule, "minimize"), MINIMIZED) == expected

    on_the_wire(scenario)


def test_values_that_are_not_finite_are_not_iterations_and_goals_may_be_maximised(
    on_the_wire: OnTheWire,
) -> None:
    async def scenario(wire: Wire) -> None:
        largest = await verdicts(wire, sweep_file("min_iter: 1, eta: 2", "maximize"), MAXIMIZED)
        assert largest == {"y": (2, 50.0, 60.0), "w": (1, 5.0, 10.0)}
        nan, inf = float("nan"), float("inf")
        logs = (
            Log("a", (1.0, 0.5)),
            Log("b", (nan, 3.0, inf, -inf, nan, 0.4)),  # its second iteration is in row 6
            Log("c", (nan, 5.0, nan, 0.6)),
        )
        odd = await verdicts(wire, sweep_file("min_iter: 2, eta: 3", "minimize"), logs)
        assert odd == {"a": (2, 0.5, 0.4), "c": (2, 0.6, 0.5)}

    on_the_wire(scenario)
