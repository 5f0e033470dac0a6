"""Owner loop: drain the inbox, decide each event, commit all changes at once, then execute the effects."""

import asyncio
import gc
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar, cast

from google.protobuf.message import Message

from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DamagedError, DomainError, Status, StorageError
from sweepd_scheduler.domain.agents.lease import is_moot
from sweepd_scheduler.domain.decide import decide_in_steps
from sweepd_scheduler.domain.effects import Change, Decision, Effect, SetTimer, Steps
from sweepd_scheduler.domain.events import ClockReading, Event, Recalled, Timer, microseconds
from sweepd_scheduler.domain.requests.remembered import DAY, RememberedRequests, Repeatable
from sweepd_scheduler.domain.requests.requests import Answer, Request
from sweepd_scheduler.domain.runs.run_end import first_timeouts
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.owner.inbox import Decided, Item, Repeated, Response, Timers, finish, whole
from sweepd_scheduler.store.ports import Store


@contextmanager
def collection_disabled() -> Iterator[None]:
    """Disable garbage collection during work that creates many objects, all of which stay in use.

    Otherwise the collector traverses all objects in vain each time their number has grown by a quarter.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


RETRY_STORAGE_AFTER = 0.25
ENTROPY_BYTES = 32
MAX_SHORTENED_IN_LOOP = 64 * 1024
"""Maximum size in bytes of a response that is shortened in the event loop, which takes a millisecond."""
TIMER_RETRY_DELAY = 10.0
"""Seconds after which a timer fires again if a bug prevented its decision, so that leases still expire."""

A = TypeVar("A", bound=Answer)
M = TypeVar("M", bound=Message)
T = TypeVar("T")


class EffectHandler(Protocol):
    """Port that executes effects and publishes changes, once these are stored. No method blocks."""

    def perform(self, effect: Effect) -> None:
        """Execute one effect."""

    def publish(self, changes: Sequence[Change], number: int) -> None:
        """Publish stored changes to watches; `number`: the number of their commit."""


class Owner:
    """Only writer of the stored state. The event loop is free during commits and between decision steps."""

    def __init__(
        self, state: State, store: Store, clock: Clock, effect_handler: EffectHandler, log: logging.Logger
    ) -> None:
        self.state = state
        self._store = store
        self._clock = clock
        self._effect_handler = effect_handler
        self._log = log
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scheduler-writer")
        self._inbox: deque[Item] = deque()
        self._held: list[Item] = []
        self._timers = Timers(partial(is_moot, state))
        self._wake = asyncio.Event()
        self._requests = RememberedRequests(state.undo_log)
        self._storage_unavailable = False

    def load(self) -> None:
        """Restore the state from the store. Blocks; called once, before the loop begins.

        Raises:
            DomainError: the store cannot be read.
        """
        loaded = self._store.load()
        now = self._now()
        self.state.restore(loaded.sweeps, loaded.ended, loaded.number, now.monotonic)
        self._requests.restore(loaded.newest_request, now)
        timers: list[tuple[float, Timer]] = [
            *self.state.first_timers(now.monotonic),
            *first_timeouts(self.state, now),
        ]
        for at, timer in timers:
            self._timers.set(at, timer)

    async def ask(
        self,
        event: Request,
        kind: type[A],
        encode: Callable[[A], M],
        repeatable: Repeatable | None,
        shorten: Callable[[Message], bytes] = whole,
    ) -> M | Repeated:
        """Decide the request of a client, and return the response once the changes are stored.

        Args:
            event: the request.
            kind: type of the core's answer.
            encode: converts the core's answer to the response.
            repeatable: identity by which a duplicate is recognised; None: the request has no id.
            shorten: converts the response to the bytes stored for duplicates.

        Raises:
            DomainError: the request was refused, or could not be stored.
        """

        def encoded(found: Answer) -> Message:
            assert isinstance(found, kind)
            return encode(found)

        item = Item(event=event, encode=encoded, shorten=shorten, repeatable=repeatable)
        return cast("M | Repeated", await self._answered(item))

    async def first_answer(self, repeatable: Repeatable) -> bytes | None:
        """Return the stored response to an earlier call with the same request id; None if the call is new.

        Raises:
            DomainError: the id belongs to another call, or the response could not be stored or read.
        """
        item = Item(event=Recalled(), encode=_refuse_to_encode, repeatable=repeatable)
        response = await self._answered(item)
        return response.kept if isinstance(response, Repeated) else None

    async def settle(self, event: Event) -> None:
        """Decide an event and return once its changes are stored.

        Raises:
            DomainError: the event was refused.
        """
        await self._answered(Item(event=event))

    def post(self, event: Event, done: Callable[[], None] | None = None) -> None:
        """Add an event to the inbox; `done` is called once its changes are stored or it is refused."""
        self._post(Item(event=event, done=done))

    async def in_writer(self, work: Callable[[], T]) -> T:
        """Run work in the writer thread, with exclusive use of the store, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    async def run(self) -> None:
        """Decide batch after batch until cancelled."""
        while True:
            await self._wait_for_work()
            # Let streams add more events, so that the end of a run and the offer after it share a commit.
            await asyncio.sleep(0)
            await self._decide_batch()

    def close(self) -> None:
        """Refuse waiting items, and close the database."""
        for item in (*self._held, *self._inbox):
            if item.answer is not None and not item.answer.done():
                item.answer.set_exception(
                    DomainError("the scheduler is stopping", status=Status.UNAVAILABLE, retry_after=1.0)
                )
        self._writer.shutdown()
        self._store.close()

    async def _wait_for_work(self) -> None:
        if self._held:
            await asyncio.sleep(RETRY_STORAGE_AFTER)
            return
        if self._inbox:
            return
        next_at = self._timers.next_at
        timeout = None if next_at is None else max(0.0, next_at - self._clock.monotonic())
        self._wake.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _answered(self, item: Item) -> Response:
        item.answer = asyncio.get_running_loop().create_future()
        self._post(item)
        return await item.answer

    def _post(self, item: Item) -> None:
        self._inbox.append(item)
        self._wake.set()

    def _now(self) -> ClockReading:
        now = microseconds(self._clock.now())
        return ClockReading(self._clock.monotonic(), now, secrets.token_bytes(ENTROPY_BYTES))

    async def _decide_batch(self) -> None:
        now = self._now()
        if self._storage_unavailable:
            self.state.renew_all(now.monotonic)  # reports could not be stored, so leases must not expire
        due = [Item(event=timer) for timer in self._timers.due(now.monotonic)]
        items = [*self._held, *self._inbox, *due]
        self._held = []
        self._inbox.clear()
        await self._decide_and_commit(items, now)

    async def _decide_and_commit(self, items: Sequence[Item], now: ClockReading) -> None:
        """Decide items and commit their changes together; if a bug prevents the commit, one by one."""
        await self._recall(items, now)
        with collection_disabled():
            decided = [await self._decide(item, now) for item in items]
        changes = [change for each in decided for change in each.decision.changes]
        number = self.state.counters["number"] + 1
        try:
            if changes:
                await self._commit(changes, number, now)
        except (DamagedError, StorageError) as error:
            self._hold(decided, error)
        except Exception as error:  # noqa: BLE001 (the loop survives bugs; the callers get the error)
            self.state.undo_log.back_to(0)
            if len(items) > 1:
                for item in items:
                    await self._decide_and_commit([item], now)
                return
            self._log.exception("%s could not be stored", type(items[0].event).__name__)
            self._fire_again(items[0], now)
            finish(items[0], None, error)
        else:
            self._keep(decided, changes, number)

    async def _recall(self, items: Sequence[Item], now: ClockReading) -> None:
        """Look up the stored responses to those items that have a request id."""
        keys = {item.repeatable.key for item in items if item.repeatable}
        if not keys:
            return
        loop = asyncio.get_running_loop()
        before = self._requests.time(now) - DAY
        try:
            self._requests.begin(await loop.run_in_executor(self._writer, self._store.recall, keys, before))
        except DomainError as error:
            self._requests.refuse(error)

    async def _commit(self, changes: Sequence[Change], number: int, now: ClockReading) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._store.commit, changes, number)
        if self._storage_unavailable:
            self._storage_unavailable = False
            self._log.info("the database can be written again")

    async def _decide(self, item: Item, now: ClockReading) -> Decided:
        try:
            first = self._requests.response_to(item.repeatable)
            if first is not None:
                return Decided(item, Decision(), answer=Repeated(first))
            return await self._decide_new(item, now)
        except DomainError as error:
            return Decided(item, Decision(), refusal=error)
        except Exception as error:  # noqa: BLE001 (the loop survives bugs; the caller gets the error)
            self._log.exception("%s could not be decided", type(item.event).__name__)
            self._fire_again(item, now)
            return Decided(item, Decision(), refusal=error)

    async def _decide_new(self, item: Item, now: ClockReading) -> Decided:
        mark = self.state.undo_log.mark()
        decision = await _interruptible(decide_in_steps(self.state, item.event, now))
        if item.encode is None or decision.answer is None:
            return Decided(item, decision)
        try:
            answer = item.encode(decision.answer)
            if item.repeatable is None:
                return Decided(item, decision, answer=answer)
            kept = await self._shortened(item, answer)
            remembered = self._requests.remember(item.repeatable, kept, now)
        except BaseException:
            self.state.undo_log.back_to(mark)
            raise
        changes = (*decision.changes, remembered)
        return Decided(item, Decision(changes=changes, effects=decision.effects), answer=answer)

    async def _shortened(self, item: Item, response: Message) -> bytes:
        """Return the bytes of a response that are stored; shorten a large one outside the event loop."""
        if response.ByteSize() <= MAX_SHORTENED_IN_LOOP:
            return item.shorten(response)
        return await self.in_writer(partial(item.shorten, response))

    def _keep(self, decided: Sequence[Decided], changes: Sequence[Change], number: int) -> None:
        """Make the stored changes final in memory, publish them, execute the effects and answer callers."""
        self.state.undo_log.keep()
        if changes:
            self.state.counters["number"] = number
            self._execute(lambda: self._effect_handler.publish(changes, number))
        for each in decided:
            for effect in each.decision.effects:
                if isinstance(effect, SetTimer):
                    self._timers.set(effect.at, effect.event)
                else:
                    self._execute(partial(self._effect_handler.perform, effect))
            finish(each.item, each.answer, each.refusal)

    def _execute(self, perform: Callable[[], None]) -> None:
        try:
            perform()
        except Exception:  # noqa: BLE001 (the loop survives bugs; effects may be lost)
            self._log.exception("an effect failed")

    def _hold(self, decided: Sequence[Decided], error: DamagedError | StorageError) -> None:
        """Undo staged changes; refuse requests, and keep all other events to decide them again later."""
        self.state.undo_log.back_to(0)
        if not self._storage_unavailable:
            self._storage_unavailable = True
            self._log.error("%s" if isinstance(error, DamagedError) else "%s; trying again", error)
        for each in decided:
            if each.item.encode is None:
                self._held.append(each.item)
            else:
                finish(each.item, None, each.refusal or error)

    def _fire_again(self, item: Item, now: ClockReading) -> None:
        if isinstance(item.event, Timer):
            self._timers.set(now.monotonic + TIMER_RETRY_DELAY, item.event)


def _refuse_to_encode(answer: Answer) -> Message:
    raise AssertionError(f"a look-up of a stored response has no new answer: {answer}")


async def _interruptible(steps: Steps[Decision]) -> Decision:
    """Run a decision in steps; other tasks run between the steps, but nothing else is decided."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            decision: Decision = end.value
            return decision
        await asyncio.sleep(0)
