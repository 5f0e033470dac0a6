"""Forwarders of lanes to the metric store, and of its acknowledgements to agents.

A forwarder keeps unanswered requests, so that it can repeat them after a restart of the metric store. Their
total size is bounded. Requests beyond the bound are dropped, as agents have all data on disk; once there is
room, the agents are asked to resend from their cursors. The end of a run does not wait for forwarders.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

import grpc.aio

from sweepd import v1
from sweepd.backoff import Backoff
from sweepd_kernel.clock import Clock
from sweepd_scheduler.domain.agents.agent import AttemptRef

Lane: TypeAlias = v1.Lane.ValueType
Call: TypeAlias = "grpc.aio.StreamStreamCall[v1.AppendRequest, v1.AppendResponse]"
AttemptName: TypeAlias = tuple[str, int]
"""Full name of a run, and number of the attempt."""

KIB: Final = 1024
MIB: Final = 1024 * KIB
RESEND_INTERVAL = 2.0
MEMORY_SHARES = 8
"""Number of shares of a forwarder's memory. An attempt may use only one, so that it does not delay others."""
REQUEST_OVERHEAD = 2 * KIB
"""Bytes of memory that a request takes besides its body, which matter for many small requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """Limits of a lane that is forwarded.

    Args:
        name: name of the lane in the log.
        window: bytes that an agent may have in flight for each attempt.
        held: bytes of unanswered requests, of all attempts, that the forwarder may hold.
    """

    name: str
    window: int
    held: int


LANES: Final[Mapping[Lane, LaneLimits]] = MappingProxyType(
    {
        v1.LANE_POINTS: LaneLimits(name="points", window=512 * KIB, held=24 * MIB),
        v1.LANE_SAMPLES: LaneLimits(name="samples", window=64 * KIB, held=4 * MIB),
        v1.LANE_LOG: LaneLimits(name="logs", window=256 * KIB, held=8 * MIB),
        v1.LANE_FILES: LaneLimits(name="files", window=512 * KIB, held=8 * MIB),
    }
)
"""Limits of the lanes that are forwarded, in the order in which agents send them."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """Unanswered request; `weight`: bytes that it takes in memory."""

    name: AttemptName
    request: v1.AppendRequest
    weight: int


@dataclass(slots=True)
class _Route:
    """Session to which the cursors of an attempt are acknowledged, and the state of the attempt's lane."""

    session: str
    ref: AttemptRef
    cursor: int = 0
    left_out: int = 0  # highest end of a request that was dropped
    refused: bool = False  # the last request was refused, and the refusal was logged


class Forwarder:
    """Forwarder of one lane of all agents, on one stream to the metric store.

    Args:
        open_call: opens the stream.
        acknowledge: sends to a session the cursor up to which the lane of an attempt is stored.
        limits: limits of the lane.
    """

    def __init__(
        self,
        open_call: Callable[[], Call],
        acknowledge: Callable[[str, AttemptRef, int], None],
        limits: LaneLimits,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._open_call = open_call
        self._acknowledge = acknowledge
        self._limit = limits.held
        self._name = limits.name
        self._clock = clock
        self._log = log
        self._routes: dict[AttemptName, _Route] = {}
        self._waiting: deque[_Pending] = deque()
        self._in_flight: deque[_Pending] = deque()
        self._size = 0
        self._sizes: dict[AttemptName, int] = {}
        self._ready = asyncio.Event()
        self._unavailable = False

    def offer(self, session: str, ref: AttemptRef, request: v1.AppendRequest) -> None:
        """Queue a request; if there is no room, drop it, and later ask the agent to resend it."""
        name = request.run, request.attempt
        route = self._routes.get(name)
        if route is None or route.session != session:
            # An agent starts a stream after the last acknowledged cursor: all data before it is stored.
            route = _Route(session, ref, cursor=max(request.start, route.cursor if route else 0))
            self._routes[name] = route
        weight, own = len(request.body) + REQUEST_OVERHEAD, self._sizes.get(name, 0)
        full = self._size and self._size + weight > self._limit
        if full or (own and own + weight > self._limit // MEMORY_SHARES):
            route.left_out = max(route.left_out, request.end)
            return
        self._size += weight
        self._sizes[name] = own + weight
        self._waiting.append(_Pending(name, request, weight))
        self._ready.set()

    def forget(self, session: str) -> None:
        """Stop sending acknowledgements to an ended session; its queued requests are still forwarded."""
        self._routes = {name: route for name, route in self._routes.items() if route.session != session}

    async def run(self) -> None:
        """Forward requests until cancelled; open a new stream whenever one fails."""
        backoff = Backoff()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._request_resends())
            while True:
                await self._wait_for_requests()
                began = self._clock.monotonic()
                try:
                    await self._forward_on_stream()
                except grpc.aio.AioRpcError as error:
                    self._log_unavailable(error)
                except Exception:  # noqa: BLE001 (a bug must not stop the lane of all agents)
                    self._log.exception("forwarding %s failed; retrying", self._name)
                self._waiting.extendleft(reversed(self._in_flight))
                self._in_flight.clear()
                await asyncio.sleep(backoff.next_delay(lasted=self._clock.monotonic() - began))

    async def _wait_for_requests(self) -> None:
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()

    async def _forward_on_stream(self) -> None:
        call = self._open_call()
        sending = asyncio.get_running_loop().create_task(self._send(call))
        try:
            async for answer in call:
                self._answered(self._in_flight.popleft(), answer)
        finally:
            sending.cancel()
            call.cancel()
            await asyncio.wait([sending])
            if not sending.cancelled():
                sending.exception()  # mark it as retrieved: the stream has raised the same error

    async def _send(self, call: Call) -> None:
        while True:
            await self._wait_for_requests()
            pending = self._waiting.popleft()
            self._in_flight.append(pending)
            await call.write(pending.request)

    def _answered(self, pending: _Pending, answer: v1.AppendResponse) -> None:
        name = pending.name
        self._size -= pending.weight
        self._sizes[name] -= pending.weight
        if not self._sizes[name]:
            del self._sizes[name]
        if self._unavailable:
            self._unavailable = False
            self._log.info("the metric store accepts %s again", self._name)
        route = self._routes.get(name)
        if answer.rejection and not (answer.refused and route is not None and route.refused):
            run, attempt = name
            self._log.warning("rejected %s of %s, attempt %d: %s", self._name, run, attempt, answer.rejection)
        if route is None:
            return
        route.refused = answer.refused
        if not answer.refused:
            route.cursor = answer.cursor
            self._acknowledge(route.session, route.ref, answer.cursor)

    async def _request_resends(self) -> None:
        """Ask agents to resend dropped requests once there is room, by acknowledging their cursors again."""
        while True:
            await asyncio.sleep(RESEND_INTERVAL)
            if self._size > self._limit // 2:
                continue
            for route in self._routes.values():
                if route.cursor < route.left_out:
                    self._acknowledge(route.session, route.ref, route.cursor)

    def _log_unavailable(self, error: grpc.aio.AioRpcError) -> None:
        if not self._unavailable:
            self._unavailable = True
            self._log.warning(
                "the metric store accepts no %s (%s: %s); retrying",
                self._name,
                error.code().name,
                error.details(),
            )


class Forwarders:
    """Forwarders, one per lane. Each has its own stream, so that lanes do not wait for each other.

    Args:
        open_call: opens a stream to the metric store.
        acknowledge: sends to a session the cursor up to which a lane of an attempt is stored.
    """

    def __init__(
        self,
        open_call: Callable[[], Call],
        acknowledge: Callable[[Lane, str, AttemptRef, int], None],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._by_lane = {
            lane: Forwarder(open_call, partial(acknowledge, lane), limits, clock, log)
            for lane, limits in LANES.items()
        }

    def of(self, lane: Lane) -> Forwarder | None:
        """Return the forwarder of a lane; None if the lane is not forwarded."""
        return self._by_lane.get(lane)

    def tasks(self) -> list[asyncio.Task[None]]:
        """Start the forwarders, and return their tasks."""
        loop = asyncio.get_running_loop()
        return [loop.create_task(forwarder.run()) for forwarder in self._by_lane.values()]

    def forget(self, session: str) -> None:
        """Stop sending acknowledgements to a session that has ended."""
        for forwarder in self._by_lane.values():
            forwarder.forget(session)
