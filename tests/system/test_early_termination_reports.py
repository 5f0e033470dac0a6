"""Verdicts do not depend on the delivery of values: repeated, batched, with gaps, reconnected, late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.scripted_agent import held as held_of
from lanes import cursor
from sweepd import v1
from system.installation import Installation
from system.test_early_termination import RULES
from system.wire import Wire, through_the_gateway

HEAD = (
    "program: t.py\nmethod: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"
    "metric: {name: loss}\nguard: {agent: 1}\n"
)
FAIR = (0.6, 0.5, 0.4, 0.3)
GOOD = (0.5, 0.4, 0.3, 0.2)


class Trial:
    """Run with its agent, which can lose its connection and reconnect."""

    def __init__(self, stack: AsyncExitStack, wire: Wire, sweep: str) -> None:
        self._stack, self._wire, self._sweep = stack, wire, sweep

    async def begin(self) -> None:
        """Take a run and start its process."""
        self.agent = await self._stack.enter_async_context(ScriptedAgent(self._wire.channel, self._sweep))
        await self.agent.offer()
        self.start = await self.agent.next_start()
        self.ref = await self.agent.start_process(self.start)

    async def cut(self) -> None:
        """Cut the connection, and wait until the server has noticed."""
        self.agent.cut()
        await self.agent.end()

    async def reconnect(self) -> v1.AttemptVerdict:
        """Reconnect with the process alive; return the verdict about its attempt."""
        held = held_of(self.start, self.ref.run_handle)
        self.agent = await self._stack.enter_async_context(
            ScriptedAgent(self._wire.channel, self._sweep, secret=self.agent.secret, held=[held])
        )
        (verdict,) = (await self.agent.receive("welcome")).welcome.verdicts
        return verdict

    async def logs(self, first_row: int, *values: float) -> None:
        """Report values and wait until they are stored."""
        last = first_row + len(values) - 1
        await self.agent.observe(self.ref, first_row, *values)
        await self.agent.receive(
            "ack", lambda m: m.ack.attempt == self.ref and cursor(m.ack, v1.LANE_OBSERVATIONS) == last
        )

    async def ends(self, last_row: int, *, commanded: bool = False) -> v1.Run:
        """Report the end of the process; return the run afterwards."""
        if commanded:
            await self.agent.exit(self.ref, last_row, cause=v1.EXIT_CAUSE_COMMANDED, code=None)
        else:
            await self.agent.exit(self.ref, last_row, keys=["loss"])
        await self.agent.acked_exit(self.ref)
        return await self.run()

    async def run(self) -> v1.Run:
        """Return the stored run."""
        return await self._wire.run(self.start.run)

    @property
    def stops(self) -> list[v1.StopRun]:
        """Return the stop commands received over the current connection."""
        return [each.stop_run for each in self.agent.received if each.WhichOneof("command") == "stop_run"]


async def one_by_one(trial: Trial, values: list[float]) -> int:
    """Send each value in its own message."""
    for row, value in enumerate(values, start=1):
        await trial.logs(row, value)
    return len(values)


async def twice(trial: Trial, values: list[float]) -> int:
    """Send each value twice, and all values again at the end."""
    for row, value in enumerate(values, start=1):
        await trial.logs(row, value)
        await trial.logs(row, value)
    await trial.logs(1, *values)
    return len(values)


async def a_hundred_at_once(trial: Trial, values: list[float]) -> int:
    """Send one message with many values after the verdict, beyond several rungs."""
    await trial.logs(1, *values, *[values[-1]] * (100 - len(values)))
    return 100


async def with_a_gap(trial: Trial, values: list[float]) -> int:
    """Send the last value first, which must not be stored, then all of them."""
    await trial.agent.observe(trial.ref, len(values), values[-1])
    gap = await trial.agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_OBSERVATIONS) is not None)
    assert cursor(gap.ack, v1.LANE_OBSERVATIONS) == 0
    await trial.logs(1, *values)
    return len(values)


async def over_two_connections(trial: Trial, values: list[float]) -> int:
    """Cut the connection after the first value, then send all values."""
    await trial.logs(1, values[0])
    await trial.cut()
    verdict = await trial.reconnect()
    assert verdict.fate == v1.ATTEMPT_FATE_KEEP
    assert cursor(verdict, v1.LANE_OBSERVATIONS) == 1
    await trial.logs(1, *values)
    return len(values)


DELIVERIES = (one_by_one, twice, a_hundred_at_once, with_a_gap, over_two_connections)


@pytest.mark.parametrize("deliver", DELIVERIES)
def test_each_rule_has_the_same_verdict_however_values_are_delivered(
    installation: Installation, deliver: Callable[[Trial, list[float]], Awaitable[int]]
) -> None:
    server = installation.join_server()

    async def scenario(wire: Wire) -> None:
        for rule, losses, expected in RULES:
            sweep = (await wire.create(f"{HEAD}early_terminate: {rule}\n")).name
            async with AsyncExitStack() as stack:
                for values in (FAIR, GOOD):
                    earlier = Trial(stack, wire, sweep)
                    await earlier.begin()
                    await earlier.logs(1, *values)
                    assert not (await earlier.ends(len(values))).verdicts
                trial = Trial(stack, wire, sweep)
                await trial.begin()
                rows = await deliver(trial, losses)
                (verdict,) = (await trial.run()).verdicts
                assert (verdict.rule, verdict.rung, verdict.value) == expected[:3], rule
                assert verdict.threshold == pytest.approx(expected[3])
                assert (verdict.rank, verdict.compared) == expected[4:], rule
                await trial.agent.receive("stop_run")
                assert not trial.stops
                ended = await trial.ends(rows, commanded=True)
                assert (ended.state, ended.iterations) == (v1.RUN_STATE_STOPPED, rows)
                assert list(ended.verdicts) == [verdict]
                following = Trial(stack, wire, sweep)
                await following.begin()
                assert following.start.number == 4

    through_the_gateway(server, scenario)


def test_a_verdict_reaches_an_agent_that_was_disconnected(installation: Installation) -> None:
    """P20: no agent is attached when another run arrives; each stream repeats the stop until it is done."""
    server = installation.join_server()

    async def scenario(wire: Wire) -> None:
        rule = "early_terminate: {type: hyperband, min_iter: 2, eta: 3}\n"
        sweep = (await wire.create(HEAD + rule)).name
        async with AsyncExitStack() as stack:
            disconnected, other = Trial(stack, wire, sweep), Trial(stack, wire, sweep)
            await disconnected.begin()
            await disconnected.logs(1, 0.9, 0.8)
            assert not (await disconnected.run()).verdicts
            await disconnected.cut()
            await other.begin()
            await other.logs(1, 0.5, 0.4)
            (verdict,) = (await disconnected.run()).verdicts
            assert (verdict.rung, verdict.value, verdict.threshold, verdict.rank) == (2, 0.8, 0.4, 2)
            for connection in range(3):
                if connection:
                    await disconnected.cut()
                assert (await disconnected.reconnect()).fate == v1.ATTEMPT_FATE_KEEP
                stop = (await disconnected.agent.receive("stop_run")).stop_run
                assert (stop.attempt, stop.mode) == (disconnected.ref, v1.STOP_MODE_TERMINATE)
                assert list((await disconnected.run()).verdicts) == [verdict]
            ended = await disconnected.ends(2, commanded=True)
            assert (ended.state, list(ended.verdicts)) == (v1.RUN_STATE_STOPPED, [verdict])
            assert ended.reason == (
                "early termination (hyperband): 0.8 at iteration 2 is worse than 0.4; rank 2 of 2"
            )
            assert not other.stops

    through_the_gateway(server, scenario)


def test_a_run_that_has_ended_is_not_judged_and_still_sets_thresholds(installation: Installation) -> None:
    server = installation.join_server()

    async def scenario(wire: Wire) -> None:
        rules = (
            "early_terminate: [{type: hyperband, min_iter: 2}, {type: threshold, at: 3, value: 0.1}, "
            "{type: patience, iterations: 2}]\n"
        )
        sweep = (await wire.create(HEAD + rules)).name
        async with AsyncExitStack() as stack:
            ended, good, bad = (Trial(stack, wire, sweep) for _ in range(3))
            await ended.begin()
            await ended.logs(1, 0.9, 0.8)
            before = await ended.ends(2)
            assert before.state == v1.RUN_STATE_FINISHED
            await ended.agent.observe(ended.ref, 3, 0.95, 0.95, 0.95)
            await ended.agent.acked_exit(ended.ref)
            await good.begin()
            await good.logs(1, 0.5, 0.4)
            assert await ended.run() == before
            await bad.begin()
            await bad.logs(1, 0.9, 0.85)
            (verdict,) = (await bad.run()).verdicts
            assert (verdict.rule, verdict.threshold, verdict.compared) == ("hyperband", 0.8, 3)
            too_late = await bad.ends(2)
            assert too_late.state == v1.RUN_STATE_FINISHED, "it ended before it received the verdict"

    through_the_gateway(server, scenario)


def test_the_search_observes_the_values_of_stopped_runs(installation: Installation) -> None:
    server = installation.join_server()

    async def scenario(wire: Wire) -> None:
        text = HEAD.replace("random", "bayes") + "early_terminate: {type: asha, min_iter: 1}\n"
        sweep = (await wire.create(text)).name
        async with AsyncExitStack() as stack:
            for number, value in enumerate((0.3, 0.5, 0.4), start=1):
                trial = Trial(stack, wire, sweep)
                await trial.begin()
                # The study has three observations of each earlier run: hand-out, value at the rung, end.
                assert trial.start.number == number
                origin = (await trial.run()).provenance
                assert (origin.study_length, origin.observations_seen) == (3 * (number - 1), number - 1)
                await trial.logs(1, value)
                ended = await trial.ends(1, commanded=value > 0.3)
                assert (ended.value, len(ended.verdicts)) == (value, int(value > 0.3))
            found = await wire.get(sweep)
            assert (found.run_counts.stopped, found.run_counts.failed, found.best_value) == (2, 0, 0.3)

    through_the_gateway(server, scenario)
