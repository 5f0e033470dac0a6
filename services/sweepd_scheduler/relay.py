"""Hands points and logs on to the metric store, and its acknowledgements back; no run's end waits for them.

What is under way is kept here, so that the metric store may restart; it is bounded. What does not fit is left
to the agents, who have everything on disk: once there is room, they are asked to send again from the cursor.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc.aio

from sweepd.backoff import Backoff
from sweepd_kernel.clock import Clock
from sweepd_scheduler.domain.agents.agent import AttemptRef

Q = TypeVar("Q")
A = TypeVar("A")

AttemptName = tuple[str, int]
"""Full name of the run, number of the attempt."""

REMIND_AFTER = 2.0
SHARES = 8
"""One attempt has at most one share of what may be under way: who floods holds up himself."""
PARCEL_OVERHEAD = 2 * 1024
"""What a request takes in memory besides its bytes: many small ones weigh more than a few large ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel(Generic[Q]):
    """One request under way. `start`, `end`: the cursor of its attempt before it, and once it is stored."""

    name: AttemptName
    request: Q
    size: int
    start: int
    end: int

    @property
    def weight(self) -> int:
        """The bytes that it takes in memory."""
        return self.size + PARCEL_OVERHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Progress of an attempt in the store, and what was wrong; what is refused stays with the agent."""

    cursor: int
    rejection: str = ""
    refused: bool = False


@dataclass(slots=True)
class _Route:
    session: str
    ref: AttemptRef
    cursor: int = 0
    left_out: int = 0  # how far the requests reach that did not fit
    refused: bool = False  # told in the log; the agent keeps what it has


class Relay(Generic[Q, A]):
    """One stream for all agents: points, or logs.

    Args:
        what: what is handed on, for the log.
        open_call: opens the stream.
        read: reads an answer.
        acknowledge: tells a session how far an attempt is stored.
        limit: bytes that may be under way.
    """

    def __init__(
        self,
        what: str,
        open_call: "Callable[[], grpc.aio.StreamStreamCall[Q, A]]",
        read: Callable[[A], Answer],
        acknowledge: Callable[[str, AttemptRef, int], None],
        *,
        limit: int,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._what = what
        self._open_call = open_call
        self._read = read
        self._acknowledge = acknowledge
        self._limit = limit
        self._clock = clock
        self._log = log
        self._routes: dict[AttemptName, _Route] = {}
        self._waiting: deque[Parcel[Q]] = deque()
        self._under_way: deque[Parcel[Q]] = deque()
        self._size = 0
        self._sizes: dict[AttemptName, int] = {}
        self._ready = asyncio.Event()
        self._away = False

    def offer(self, session: str, ref: AttemptRef, parcel: Parcel[Q]) -> None:
        """Take a request over, or leave it to the agent to send it again."""
        route = self._routes.get(parcel.name)
        if route is None or route.session != session:
            # An agent begins a stream with what it has no word of: before that, everything is stored.
            route = _Route(session, ref, cursor=max(parcel.start, route.cursor if route else 0))
            self._routes[parcel.name] = route
        own = self._sizes.get(parcel.name, 0)
        full = self._size and self._size + parcel.weight > self._limit
        if full or (own and own + parcel.weight > self._limit // SHARES):
            route.left_out = max(route.left_out, parcel.end)
            return
        self._size += parcel.weight
        self._sizes[parcel.name] = own + parcel.weight
        self._waiting.append(parcel)
        self._ready.set()

    def forget(self, session: str) -> None:
        """Acknowledge nothing more to a session that is gone; what is under way still arrives."""
        self._routes = {name: route for name, route in self._routes.items() if route.session != session}

    async def run(self) -> None:
        """Keep a stream open until cancelled."""
        backoff = Backoff()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._remind())
            while True:
                await self._something_waits()
                began = self._clock.monotonic()
                try:
                    await self._one_stream()
                except grpc.aio.AioRpcError as error:
                    self._note_away(error)
                except Exception:  # noqa: BLE001 (all agents depend on it: it outlives a defect)
                    self._log.exception("handing on %s has failed; trying again", self._what)
                self._waiting.extendleft(reversed(self._under_way))
                self._under_way.clear()
                await asyncio.sleep(backoff.next_delay(lasted=self._clock.monotonic() - began))

    async def _something_waits(self) -> None:
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()

    async def _one_stream(self) -> None:
        call = self._open_call()
        sending = asyncio.get_running_loop().create_task(self._send(call))
        try:
            async for message in call:
                self._answered(self._under_way.popleft(), self._read(message))
        finally:
            sending.cancel()
            call.cancel()
            await asyncio.wait([sending])
            if not sending.cancelled():
                sending.exception()  # the stream has told it already

    async def _send(self, call: "grpc.aio.StreamStreamCall[Q, A]") -> None:
        while True:
            await self._something_waits()
            parcel = self._waiting.popleft()
            self._under_way.append(parcel)
            await call.write(parcel.request)

    def _answered(self, parcel: Parcel[Q], answer: Answer) -> None:
        self._size -= parcel.weight
        self._sizes[parcel.name] -= parcel.weight
        if not self._sizes[parcel.name]:
            del self._sizes[parcel.name]
        if self._away:
            self._away = False
            self._log.info("the metric store takes %s again", self._what)
        route = self._routes.get(parcel.name)
        if answer.rejection and not (answer.refused and route is not None and route.refused):
            run, attempt = parcel.name
            self._log.warning("%s of %s, attempt %d, refused: %s", self._what, run, attempt, answer.rejection)
        if route is not None:
            route.refused = answer.refused
        if route is not None and not answer.refused:
            route.cursor = answer.cursor
            self._acknowledge(route.session, route.ref, answer.cursor)

    async def _remind(self) -> None:
        """Ask agents for what did not fit, once there is room: a repeated cursor asks to send again."""
        while True:
            await asyncio.sleep(REMIND_AFTER)
            if self._size > self._limit // 2:
                continue
            for route in self._routes.values():
                if route.cursor < route.left_out:
                    self._acknowledge(route.session, route.ref, route.cursor)

    def _note_away(self, error: grpc.aio.AioRpcError) -> None:
        if not self._away:
            self._away = True
            self._log.warning(
                "the metric store takes no %s (%s: %s); trying again",
                self._what,
                error.code().name,
                error.details(),
            )
