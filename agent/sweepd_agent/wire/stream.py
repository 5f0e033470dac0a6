"""Stream to the scheduler: sends reports in order of urgency, and receives commands."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc.aio

from sweepd import v1
from sweepd.durations import seconds_of
from sweepd.rpc.bidi_call import BidiCall, batched
from sweepd.rpc.channel import Entries
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd_agent.core.attempt import AttemptKey
from sweepd_agent.wire.feed import Feed

WELCOME_WITHIN = 20.0
_GOODBYE_WITHIN = 1.0

Call = BidiCall[v1.AttachRequest, v1.AttachResponse]


class Owner(Protocol):
    """Port of the agent that a stream serves."""

    def hello(self, handles: dict[int, AttemptKey]) -> v1.Hello:
        """Return the Hello with the agent's identity and held attempts; fill `handles` with their handles."""

    def welcomed(self, stream: "Stream", welcome: v1.Welcome) -> None:
        """Apply the scheduler's verdicts."""

    def commanded(self, stream: "Stream", response: v1.AttachResponse) -> None:
        """Carry out a command."""

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of all attempts."""

    def alive(self) -> Iterator[Feed]:
        """Yield the feeds of attempts whose process is live or about to start."""

    def exit_sent(self, feed: Feed) -> None:
        """Record that the end of an attempt was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneAway:
    """Request of the scheduler to reconnect, after `wait` seconds."""

    wait: float
    reason: str


class Stream:
    """Stream from Hello to the end of the call; pulls reports one by one as the connection takes them."""

    def __init__(self, owner: Owner, draw: Callable[[], float] = random.random) -> None:
        self.handles: dict[int, AttemptKey] = {}
        self.gone_away: GoneAway | None = None
        self._owner = owner
        self._draw = draw
        self._control: deque[v1.AttachRequest] = deque()
        self._news = asyncio.Event()
        # Window in bytes of each lane that the scheduler supports, in order of priority.
        self._windows: dict[v1.Lane.ValueType, int] = {}
        self._supports_details = True
        self._heartbeat = 10.0
        self._lease = 30.0
        # Monotonic time of the last received message.
        self.last_received = 0.0
        self._turn = 0
        self._leaving = False
        self._left = False

    def open_feed(
        self, feed: Feed, handle: int, stored: Mapping[v1.Lane.ValueType, int] | None = None
    ) -> None:
        """Let a feed send on this stream; `stored`: cursors known to the scheduler."""
        feed.open(handle, self._windows, stored)
        if not self._supports_details:
            feed.details.refuse()

    def control(self, report: v1.AttachRequest) -> None:
        """Queue a report ahead of all reports of feeds."""
        self._control.append(report)
        self._news.set()

    def wake(self) -> None:
        """Wake the writer to look for new reports."""
        self._news.set()

    def leave(self, reason: str) -> None:
        """End the stream with a Goodbye, after the queued reports."""
        self._leaving = True
        self.control(v1.AttachRequest(goodbye=v1.Goodbye(reason=reason)))

    def refuse(self, report: str) -> None:
        """Stop sending details if `report`, which the scheduler rejected, is a details report."""
        if report.startswith("report details"):
            self._supports_details = False
            for feed in self._owner.feeds():
                feed.details.refuse()

    async def run(self, channel: grpc.aio.Channel, metadata: Entries, connected: Callable[[], None]) -> None:
        """Attach, and serve the stream until it ends.

        Raises:
            grpc.aio.AioRpcError: the call failed or was refused.
            TimeoutError: no Welcome came, or no further message for the length of a lease.
        """
        call: Call = BidiCall(AgentServiceStub(channel).Attach(metadata=metadata))
        try:
            async with asyncio.timeout(WELCOME_WITHIN):
                await call.write(v1.AttachRequest(hello=self._owner.hello(self.handles)))
                first = await call.read()
            if first is None:
                return
            self._welcome(first.welcome)
            connected()
            await self._serve(call)
        finally:
            call.cancel()

    async def _serve(self, call: Call) -> None:
        tasks = [
            asyncio.create_task(self._read(call)),
            asyncio.create_task(self._write(call)),
            asyncio.create_task(self._beat()),
            asyncio.create_task(self._watch()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, asyncio.InvalidStateError):
                raise result

    def _welcome(self, welcome: v1.Welcome) -> None:
        self._windows = {each.lane: each.bytes for each in welcome.windows}
        self._heartbeat = seconds_of(welcome.heartbeat_interval) or self._heartbeat
        self._lease = seconds_of(welcome.lease_duration) or self._lease
        self.last_received = asyncio.get_running_loop().time()
        self._owner.welcomed(self, welcome)

    async def _read(self, call: Call) -> None:
        while (message := await call.read()) is not None:
            self.last_received = asyncio.get_running_loop().time()
            for response in (message, *message.more):
                if response.HasField("heartbeat_seen"):
                    continue
                if response.HasField("go_away"):
                    wait = seconds_of(response.go_away.reconnect_after)
                    self.gone_away = GoneAway(
                        wait=wait * (0.5 + self._draw()), reason=response.go_away.reason
                    )
                    return
                self._owner.commanded(self, response)

    async def _write(self, call: Call) -> None:
        while not self._left:
            report = self._next()
            if report is None:
                self._news.clear()
                await self._news.wait()
            else:
                await call.write(batched(report, self._next))
        await call.done_writing()
        await asyncio.sleep(_GOODBYE_WITHIN)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat * (0.8 + 0.4 * self._draw()))
            refs = [feed.ref for feed in self._owner.alive() if feed.ref is not None]
            self.control(v1.AttachRequest(heartbeat=v1.Heartbeat(alive=refs)))

    async def _watch(self) -> None:
        """Raise TimeoutError after a lease without a message: TCP may not detect a half-open connection."""
        time = asyncio.get_running_loop().time
        while (left := self.last_received + self._lease - time()) > 0:  # noqa: ASYNC110 -- an event costs more
            await asyncio.sleep(left)
        raise TimeoutError

    def _next(self) -> v1.AttachRequest | None:
        """Return the most urgent report; None if there is none, or after Goodbye."""
        if self._left:
            return None
        if self._control:
            report = self._control.popleft()
            self._left = self._leaving and report.HasField("goodbye")
            return report
        return self._next_of_feeds(self._owner.feeds())

    def _next_of_feeds(self, feeds: Sequence[Feed]) -> v1.AttachRequest | None:
        """Return the most urgent report of the attempts, which take turns; None if there is none."""
        if not feeds:
            return None
        self._turn = (self._turn + 1) % len(feeds)
        order = [*feeds[self._turn :], *feeds[: self._turn]]
        for feed in order:
            if report := feed.next_urgent():
                if report.HasField("run_exited"):
                    self._owner.exit_sent(feed)
                return report
        pieces = (feed.next_piece(lane) for lane in self._windows for feed in order)
        return next((piece for piece in pieces if piece is not None), None)
