"""Outboxes of agents, one per stream: acknowledgements are merged, commands stay in order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from sweepd import v1
from sweepd.rpc.bidi_call import batched
from sweepd_kernel.errors import DomainError
from sweepd_kernel.rpc.slow_readers import SlowReaderError
from sweepd_scheduler.agents import codec
from sweepd_scheduler.agents.acknowledgements import Acknowledgements
from sweepd_scheduler.agents.forwarder import LANES, Lane
from sweepd_scheduler.domain.agents.agent import AttemptRef, Session
from sweepd_scheduler.domain.effects import Ack, Command, Welcome
from sweepd_scheduler.domain.events import Timeouts

MAX_COMMANDS = 4_096
HEARTBEAT_SHARE = 3.0
LONGEST_HEARTBEAT = 10.0
SHORTEST_FLUSH, LONGEST_FLUSH = 0.1, 5.0
AGENTS_AT_SHORTEST_FLUSH = 16


class Outbox:
    """Queue of messages to one agent; the stream takes messages from it as fast as the agent reads."""

    def __init__(self, session: str, agent: str) -> None:
        self.session = session
        self.agent = agent
        self._commands: deque[v1.AttachResponse] = deque()
        self._acks = Acknowledgements()
        self._heartbeat_seen = False
        self._ready = asyncio.Event()
        self._end: DomainError | None = None
        self.ended = False  # `end` was called; the stream ends soon

    def send(self, command: v1.AttachResponse) -> None:
        """Queue a command; end the stream if too many are queued."""
        if self._end is not None:
            return
        self._commands.append(command)
        if len(self._commands) > MAX_COMMANDS:
            self.end(SlowReaderError("the agent does not read its commands"))
        self._ready.set()

    def acknowledge(self, ack: Ack) -> None:
        """Queue the acknowledgement of a decision."""
        if self._end is None:
            self._acks.add_decision(ack)
            self._ready.set()

    def acknowledge_lane(self, ref: AttemptRef, lane: Lane, cursor: int) -> None:
        """Queue an acknowledgement of the metric store."""
        if self._end is None:
            self._acks.add_lanes(ref, {lane: cursor})
            self._ready.set()

    def confirm_heartbeat(self) -> None:
        """Queue the answer to a heartbeat; one answer suffices for several heartbeats."""
        self._heartbeat_seen = True
        self._ready.set()

    def end(self, error: DomainError | None = None) -> None:
        """End the stream, after the queued messages, or at once if an error is given."""
        if not self.ended:
            self.ended, self._end = True, error
            self._ready.set()

    async def messages(self) -> AsyncIterator[v1.AttachResponse]:
        """Yield the messages to send, until the outbox is ended.

        Raises:
            DomainError: the outbox was ended with this error.
        """
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._end is None and (message := self._next()) is not None:
                yield message if message.HasField("welcome") else batched(message, self._next)
            if self._end is not None:
                raise self._end
            if self.ended:
                return

    def _next(self) -> v1.AttachResponse | None:
        # Acknowledgements go before commands other than Welcome, so that the end of a run is acknowledged
        # before the StartRun that takes its slot.
        if self._acks and (not self._commands or self._commands[0].WhichOneof("command") != "welcome"):
            return self._acks.take()
        if self._commands:
            return self._commands.popleft()
        if self._heartbeat_seen:
            self._heartbeat_seen = False
            return v1.AttachResponse(heartbeat_seen=v1.HeartbeatSeen())
        return None


class Outboxes:
    """Outboxes of all open streams, by session."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._by_session: dict[str, Outbox] = {}

    def open(self, outbox: Outbox) -> None:
        """Add the outbox of a new stream."""
        self._by_session[outbox.session] = outbox

    def close(self, outbox: Outbox) -> None:
        """Drop the outbox of a stream that has ended."""
        self._by_session.pop(outbox.session, None)

    def end(self, session: str, error: DomainError) -> None:
        """End the stream of a session with an error."""
        outbox = self._by_session.get(session)
        if outbox is not None:
            outbox.end(error)

    def send(self, session: str, command: Command, of: Session | None) -> None:
        """Queue a command for a session; drop it if the session has ended, as the core repeats it on attach.

        `of`: the session in the core's state, if it has not ended.
        """
        outbox = self._by_session.get(session)
        if outbox is None:
            return
        if isinstance(command, Ack):
            outbox.acknowledge(command)
            return
        message = codec.command_message(command, self._timeouts, of)
        if isinstance(command, Welcome):
            self._set_limits(message.welcome)
        outbox.send(message)

    def acknowledge(self, lane: Lane, session: str, ref: AttemptRef, cursor: int) -> None:
        """Queue an acknowledgement of the metric store for a session."""
        outbox = self._by_session.get(session)
        if outbox is not None:
            outbox.acknowledge_lane(ref, lane, cursor)

    def _set_limits(self, welcome: v1.Welcome) -> None:
        """Set the windows and intervals of a Welcome; the flush interval grows with the number of agents."""
        load = len(self._by_session) / AGENTS_AT_SHORTEST_FLUSH
        flush = min(LONGEST_FLUSH, max(SHORTEST_FLUSH, SHORTEST_FLUSH * load))
        heartbeat = min(LONGEST_HEARTBEAT, self._timeouts.lease / HEARTBEAT_SHARE)
        welcome.heartbeat_interval.CopyFrom(codec.duration(heartbeat))
        welcome.flush_interval.CopyFrom(codec.duration(flush))
        for lane, limits in LANES.items():
            welcome.windows.add(lane=lane, bytes=limits.window)
