"""Owner loop with a store in memory: one commit per batch, and the state after a failed commit."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BytesValue

from scheduler_memory import MemoryStore
from sweepd_kernel.errors import DomainError, Status, WrongStateError
from sweepd_kernel.sql.database import StatementError
from sweepd_scheduler.domain.agents.agent import Session
from sweepd_scheduler.domain.effects import RUNS_PER_STEP, Change, Effect, SendCommand, StartRun, SweepChanged
from sweepd_scheduler.domain.events import Announced, Attached, Offered, Timeouts
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.remembered import (
    QUOTA_BYTES,
    Remembered,
    Repeatable,
    RequestIdReusedError,
    RequestKey,
    RequestQuotaError,
)
from sweepd_scheduler.domain.requests.requests import (
    CreateSweep,
    EnqueueRun,
    PauseSweep,
    ResumeSweep,
    StopSweep,
)
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import SweepState
from sweepd_scheduler.owner.inbox import Repeated
from sweepd_scheduler.owner.owner import Owner
from unit.scheduler.world import PARENT, RANDOM, a_spec

S = SweepName(PARENT, "s")
CREATE = CreateSweep(parent=PARENT, id="s", drawn_ids=(), spec=a_spec(RANDOM), file=None)


class StillClock:
    """A clock that stands still."""

    def monotonic(self) -> float:
        return 5.0

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC)


class Recording:
    """An effect handler that records its effects."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.numbers: list[int] = []
        self.broken = False

    def perform(self, effect: Effect) -> None:
        if self.broken:
            raise ZeroDivisionError
        self.effects.append(effect)

    def publish(self, changes: Sequence[Change], number: int) -> None:
        self.numbers.append(number)

    def starts(self) -> int:
        return sum(isinstance(e, SendCommand) and isinstance(e.command, StartRun) for e in self.effects)


class UniqueNamesStore(MemoryStore):
    """A store whose tables have a unique constraint on the names of sweeps."""

    def commit(self, changes: Sequence[Change], number: int) -> None:
        if any(isinstance(each, SweepChanged) and each.sweep.name.id == "wrong" for each in changes):
            raise StatementError("CHECK constraint failed")
        super().commit(changes, number)


def repeatable(request_id: str, fingerprint: bytes, project: str = "local/p") -> Repeatable:
    return Repeatable(key=RequestKey("ann", project, request_id), fingerprint=fingerprint)


class Bench:
    """A running owner."""

    def __init__(self) -> None:
        self.store = UniqueNamesStore()
        self.effects_seen = Recording()
        self.owner = Owner(
            State(Timeouts()), self.store, StillClock(), self.effects_seen, logging.getLogger("test.owner")
        )

    async def pause(self, request_id: str = "", fingerprint: bytes = b"") -> bytes:
        again = repeatable(request_id, fingerprint) if request_id else None
        found = await self.owner.ask(PauseSweep(S), Sweep, encode, again)
        return BytesValue.FromString(found.kept).value if isinstance(found, Repeated) else found.value

    async def attach(self) -> None:
        await self.owner.settle(Announced("session", "ann"))
        await self.owner.settle(
            Attached(
                session=Session(id="session", agent="ann", pid=1, host="h", version="", labels={}, slots=9),
                sweeps=(S,),
                attempts=(),
            )
        )


def encode(sweep: Sweep) -> BytesValue:
    return BytesValue(value=f"{sweep.name} {sweep.state}".encode())


def running(scenario: Callable[[Bench], Awaitable[None]]) -> None:
    async def main() -> None:
        bench = Bench()
        loop = asyncio.create_task(bench.owner.run())
        await bench.owner.ask(CREATE, Sweep, encode, None)
        try:
            await scenario(bench)
        finally:
            loop.cancel()
            bench.owner.close()

    asyncio.run(main())


def test_queued_events_are_stored_in_one_commit() -> None:
    async def scenario(bench: Bench) -> None:
        before = len(bench.effects_seen.numbers)
        creates = [
            CreateSweep(parent=PARENT, id=f"x{n}", drawn_ids=(), spec=CREATE.spec, file=None)
            for n in range(20)
        ]
        answers = await asyncio.gather(*(bench.owner.ask(each, Sweep, encode, None) for each in creates))
        assert len({answer.SerializeToString() for answer in answers if isinstance(answer, BytesValue)}) == 20
        assert len(bench.effects_seen.numbers) - before <= 2
        assert bench.effects_seen.numbers == sorted(set(bench.effects_seen.numbers))

    running(scenario)


def test_a_repeated_request_gets_the_first_response_and_another_call_with_its_id_is_refused() -> None:
    async def scenario(bench: Bench) -> None:
        first, second = await asyncio.gather(bench.pause("id", b"f"), bench.pause("id", b"f"))
        assert first == second == b"local/demo/s paused"
        with pytest.raises(RequestIdReusedError):
            await bench.pause("id", b"g")

    running(scenario)


def test_effects_follow_the_commit_and_reports_wait_while_the_store_is_unavailable() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.attach()
        bench.store.unavailable = True
        done = asyncio.Event()
        bench.owner.post(Offered("session", 2), done.set)
        with pytest.raises(DomainError) as refused:
            await bench.pause()
        assert refused.value.status is Status.RESOURCE_EXHAUSTED
        assert bench.owner.state.sweeps[1].state is SweepState.PENDING
        assert not bench.owner.state.runs
        assert bench.effects_seen.starts() == 0
        assert not done.is_set()
        bench.store.unavailable = False
        async with asyncio.timeout(5):
            await done.wait()
        assert bench.effects_seen.starts() == 2
        assert await bench.pause() == b"local/demo/s paused"

    running(scenario)


def test_a_refused_request_changes_nothing_and_the_loop_continues() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(DomainError, match="exists already"):
            await bench.owner.ask(CREATE, Sweep, encode, None)
        assert await bench.pause() == b"local/demo/s paused"

    running(scenario)


def test_an_effect_that_fails_does_not_end_the_loop() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.attach()
        bench.effects_seen.broken = True
        await bench.owner.settle(Offered("session", 1))
        async with asyncio.timeout(5):
            assert await bench.pause() == b"local/demo/s paused"

    running(scenario)


def test_a_defect_in_one_answer_does_not_affect_others() -> None:
    def broken(sweep: Sweep) -> BytesValue:
        raise ZeroDivisionError

    async def scenario(bench: Bench) -> None:
        other = asyncio.ensure_future(bench.attach())
        with pytest.raises(ZeroDivisionError):
            await bench.owner.ask(PauseSweep(S), Sweep, broken, None)
        await other
        assert bench.owner.state.sweeps[1].state is SweepState.PENDING

    running(scenario)


def test_when_a_batch_cannot_be_stored_only_the_offending_request_fails() -> None:
    async def scenario(bench: Bench) -> None:
        ids = ("a", "wrong", "b")
        creates = [
            CreateSweep(parent=PARENT, id=each, drawn_ids=(), spec=CREATE.spec, file=None) for each in ids
        ]
        attaching = asyncio.ensure_future(bench.attach())
        asked = (bench.owner.ask(each, Sweep, encode, None) for each in creates)
        a, wrong, b = await asyncio.gather(*asked, return_exceptions=True)
        assert (a, b) == (
            BytesValue(value=b"local/demo/a pending"),
            BytesValue(value=b"local/demo/b pending"),
        )
        assert isinstance(wrong, StatementError)
        await attaching
        assert {sweep.name.id for sweep in bench.owner.state.sweeps.values()} == {"s", "a", "b"}
        assert await bench.pause() == b"local/demo/s paused"

    running(scenario)


def test_other_tasks_run_during_a_long_decision_which_is_stored_in_one_commit() -> None:
    async def scenario(bench: Bench) -> None:
        points = [EnqueueRun(sweep=S, point={"x": 1 / n}, first=False) for n in range(1, 3 * RUNS_PER_STEP)]
        await asyncio.gather(*(bench.owner.settle(each) for each in points))
        stored, stop = (
            len(bench.effects_seen.numbers),
            asyncio.ensure_future(bench.owner.settle(StopSweep(S))),
        )
        seen = set()
        while not stop.done():
            await asyncio.sleep(0)
            sweep = bench.owner.state.sweeps.get(1)
            seen.add(sweep.counts.ended if sweep else len(points))
        assert {RUNS_PER_STEP, 2 * RUNS_PER_STEP, len(points)} <= seen
        assert len(bench.effects_seen.numbers) == stored + 1

    running(scenario)


def test_events_that_arrive_during_a_long_decision_are_decided_after_it() -> None:
    async def scenario(bench: Bench) -> None:
        points = [EnqueueRun(sweep=S, point={"x": 1 / n}, first=False) for n in range(1, 3 * RUNS_PER_STEP)]
        await asyncio.gather(*(bench.owner.settle(each) for each in points))
        stop = asyncio.ensure_future(bench.owner.settle(StopSweep(S)))
        while not bench.owner.state.sweeps[1].counts.ended:  # noqa: ASYNC110 (there is no event for half a decision)
            await asyncio.sleep(0)
        with pytest.raises(WrongStateError, match="stopped"):
            await bench.pause()
        await stop

    running(scenario)


def test_a_repeated_call_gets_the_first_response_only_once_that_is_stored() -> None:
    first = repeatable("r", b"pause s")

    async def scenario(bench: Bench) -> None:
        assert await bench.owner.first_answer(first) is None
        bench.store.unavailable = True
        both = await asyncio.gather(
            bench.pause("r", b"pause s"), bench.owner.first_answer(first), return_exceptions=True
        )
        assert [each.status for each in both if isinstance(each, DomainError)] == [
            Status.RESOURCE_EXHAUSTED
        ] * 2, "a response that could not be stored is not sent"
        bench.store.unavailable = False
        assert await bench.owner.first_answer(first) is None
        answer = await bench.pause("r", b"pause s")
        assert await bench.owner.first_answer(first) == BytesValue(value=answer).SerializeToString()
        with pytest.raises(RequestIdReusedError):
            await bench.owner.first_answer(repeatable("r", b"pause t"))

    running(scenario)


def test_a_call_beyond_the_quota_changes_nothing_and_evicts_nothing() -> None:
    async def scenario(bench: Bench) -> None:
        first = repeatable("first", b"another call")
        wall = bench.owner.state.sweeps[1].create_time
        large = Remembered(key=first.key, fingerprint=b"f", response=bytes(QUOTA_BYTES - 1_000), time=wall)
        bench.store.commit([large], 1)
        for number in range(50):
            with suppress(RequestQuotaError):
                await bench.pause(f"r{number}")
        with pytest.raises(RequestQuotaError):
            await bench.owner.ask(ResumeSweep(S), Sweep, encode, repeatable("resume", b""))
        assert bench.owner.state.sweeps[1].state is SweepState.PAUSED
        resumed = await bench.owner.ask(ResumeSweep(S), Sweep, encode, None)
        assert resumed == BytesValue(value=b"local/demo/s pending")
        assert bench.store.recall([first.key], 0).requests == {first.key: large}

    running(scenario)


@pytest.mark.parametrize(("size", "on_the_loop"), [(100, True), (3_000_000, False)])
def test_a_large_response_is_shortened_outside_the_event_loop(size: int, on_the_loop: bool) -> None:
    """Parsing and serializing megabytes takes 50 ms, which would block all other tasks."""

    async def scenario(bench: Bench) -> None:
        threads = list[int]()

        def shorten(response: Message) -> bytes:
            threads.append(threading.get_ident())
            return response.SerializeToString()[-10:]

        again = repeatable("pause", b"")
        large = BytesValue(value=bytes(size))
        response = await bench.owner.ask(PauseSweep(S), Sweep, lambda _: large, again, shorten)
        assert response == large
        assert [each == threading.get_ident() for each in threads] == [on_the_loop]
        assert await bench.owner.first_answer(again) == bytes(10)

    running(scenario)
