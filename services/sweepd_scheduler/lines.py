"""What goes down to agents: an outbox for each stream; acknowledgements merge, commands keep their order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from sweepd import v1
from sweepd.codec.gathering import gathered
from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.agent_codec import command_message, duration, ref_message
from sweepd_scheduler.domain.agents.agent import AttemptRef, Session
from sweepd_scheduler.domain.agents.commands import Command, Welcome
from sweepd_scheduler.domain.timing import Timeouts

MAX_COMMANDS = 4_096
HEARTBEAT_SHARE = 3.0
LONGEST_HEARTBEAT = 10.0
SHORTEST_FLUSH, LONGEST_FLUSH = 0.1, 5.0
AGENTS_AT_SHORTEST_FLUSH = 16
POINT_WINDOW = 512 * 1024
LOG_WINDOW = 256 * 1024
FILE_WINDOW = 512 * 1024
SYSTEM_WINDOW = 64 * 1024


class SlowAgentError(DomainError):
    """The agent does not read what it is told."""

    def __init__(self) -> None:
        super().__init__(
            "the agent does not read its commands",
            status=Status.RESOURCE_EXHAUSTED,
            reason=Reason.SLOW_READER,
        )


class Line:
    """The way down to one agent: an outbox that its stream empties as fast as the agent reads."""

    def __init__(self, session: str, agent: str, *, takes_several: bool = False) -> None:
        self.session = session
        self.agent = agent
        self._takes_several = takes_several
        self._commands: deque[v1.AttachResponse] = deque()
        self._acks: dict[AttemptRef, v1.Ack] = {}
        self._heartbeat_seen = False
        self._ready = asyncio.Event()
        self._end: DomainError | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether the stream is to end."""
        return self._ended

    def send(self, message: v1.AttachResponse) -> None:
        """Put a command in; what only says how far things are merges with what still waits."""
        if self._end is not None:
            return
        match message.WhichOneof("command"):
            case "ack":
                self._merge(message.ack)
            case "heartbeat_seen":
                self._heartbeat_seen = True
            case _:
                self._commands.append(message)
        if len(self._commands) > MAX_COMMANDS:
            self.end(SlowAgentError())
        self._ready.set()

    def end(self, error: DomainError | None = None) -> None:
        """End the stream after what is in the box, or at once with an error."""
        if not self._ended:
            self._ended, self._end = True, error
            self._ready.set()

    async def messages(self) -> AsyncIterator[v1.AttachResponse]:
        """Return what is to be sent, until the line ends.

        Raises:
            DomainError: the line was ended with it.
        """
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._end is None and (message := self._next()) is not None:
                alone = not self._takes_several or message.HasField("welcome")
                yield message if alone else gathered(message, self._next)
            if self._end is not None:
                raise self._end
            if self._ended:
                return

    def _next(self) -> v1.AttachResponse | None:
        # Acknowledgements go first: a run's end is told before the StartRun that takes its slot.
        if self._acks and (not self._commands or self._commands[0].WhichOneof("command") != "welcome"):
            return v1.AttachResponse(ack=self._acks.pop(next(iter(self._acks))))
        if self._commands:
            return self._commands.popleft()
        if self._heartbeat_seen:
            self._heartbeat_seen = False
            return v1.AttachResponse(heartbeat_seen=v1.HeartbeatSeen())
        return None

    def _merge(self, ack: v1.Ack) -> None:
        ref = AttemptRef(ack.attempt.run_handle, ack.attempt.attempt)
        waiting = self._acks.get(ref)
        if waiting is None:
            self._acks[ref] = ack
        else:
            waiting.MergeFrom(ack)


class Lines:
    """All open lines, by session."""

    def __init__(self, terms: Timeouts) -> None:
        self._terms = terms
        self._by_session: dict[str, Line] = {}

    def all(self) -> list[Line]:
        """Return every open line."""
        return list(self._by_session.values())

    def open(self, line: Line) -> None:
        """Let commands reach an agent."""
        self._by_session[line.session] = line

    def close(self, line: Line) -> None:
        """Let go of a line whose stream is over."""
        self._by_session.pop(line.session, None)

    def end(self, session: str, error: DomainError) -> None:
        """End the stream of a session with an error."""
        line = self._by_session.get(session)
        if line is not None:
            line.end(error)

    def tell(self, session: str, command: Command, of: Session | None) -> None:
        """Send a command of the core to a session; one that is gone will hear it when it comes back."""
        line = self._by_session.get(session)
        if line is None:
            return
        message = command_message(command, self._terms, of)
        if isinstance(command, Welcome):
            self._grant(message.welcome)
        line.send(message)

    def acknowledge(
        self,
        session: str,
        ref: AttemptRef,
        *,
        row: int | None = None,
        offset: int | None = None,
        file: int | None = None,
        system_row: int | None = None,
    ) -> None:
        """Tell an agent how far its points, log, files or samples are stored."""
        line = self._by_session.get(session)
        if line is not None:
            ack = v1.Ack(
                attempt=ref_message(ref),
                point_row=row,
                log_offset=offset,
                file_number=file,
                system_row=system_row,
            )
            line.send(v1.AttachResponse(ack=ack))

    def _grant(self, welcome: v1.Welcome) -> None:
        """Fill in what depends on the load: the more agents, the longer they gather."""
        load = len(self._by_session) / AGENTS_AT_SHORTEST_FLUSH
        flush = min(LONGEST_FLUSH, max(SHORTEST_FLUSH, SHORTEST_FLUSH * load))
        heartbeat = min(LONGEST_HEARTBEAT, self._terms.lease / HEARTBEAT_SHARE)
        welcome.heartbeat_interval.CopyFrom(duration(heartbeat))
        welcome.flush_interval.CopyFrom(duration(flush))
        welcome.point_window_bytes = POINT_WINDOW
        welcome.log_window_bytes = LOG_WINDOW
        welcome.file_window_bytes = FILE_WINDOW
        welcome.system_window_bytes = SYSTEM_WINDOW
