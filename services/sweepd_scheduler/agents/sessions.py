"""Sessions of agents: they are opened with stored records of the agents' attempts, and read reports."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress

from sweepd import v1
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DomainError, InvalidFieldError, NotFoundError, Status
from sweepd_scheduler.agents import codec
from sweepd_scheduler.agents.forwarder import Forwarders
from sweepd_scheduler.agents.outboxes import Outbox, Outboxes
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.agents.agent import AttemptRef, HandleEntry, ReportedAttempt, Session
from sweepd_scheduler.domain.events import Announced, Attached, Described, Detached, Heartbeat, StaleDelivery
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.store.records import Reading

UNDECIDED_REPORTS = 64
UNDECIDED_DETAILS = 2
"""Maximum number of undecided details reports, which may be large; an agent has one in flight per attempt."""
STREAM_AGE = 30 * 60.0
AGE_SPREAD = 0.1
GO_AWAY_GRACE = 30.0
RECONNECT_AFTER = 1.0


class StreamAgeError(DomainError, status=Status.UNAVAILABLE, retry_after=1.0):
    """The agent did not end its stream after a GoAway."""

    def __init__(self) -> None:
        super().__init__("this stream is too old; open a new one")


class AgentSession:
    """Open stream of an agent. While too many of its reports are undecided, no more are read."""

    def __init__(self, outbox: Outbox, owner: Owner, forwarders: Forwarders, clock: Clock) -> None:
        self.outbox = outbox
        # For each attempt that resumed from a checkpoint, the last step of this checkpoint.
        self.resumed: dict[AttemptRef, int] = {}
        # Time of the last report, in monotonic seconds.
        self.last_seen = clock.monotonic()
        self._name = outbox.session
        self._owner = owner
        self._forwarders = forwarders
        self._clock = clock
        self._credit = asyncio.Semaphore(UNDECIDED_REPORTS)
        self._details_credit = asyncio.Semaphore(UNDECIDED_DETAILS)

    async def read(self, requests: AsyncIterator[v1.AttachRequest]) -> None:
        """Read reports until the agent ends the stream, then end the outbox.

        When this stream is too old, ask the agent to open a new one; end this one if the agent does not.
        """
        loop = asyncio.get_running_loop()
        age = STREAM_AGE * random.uniform(1 - AGE_SPREAD, 1 + AGE_SPREAD)  # noqa: S311 (jitter)
        timers: list[asyncio.TimerHandle] = []

        def renew() -> None:
            self.go_away("the stream has reached its maximum age")
            # The grace period starts now, even if the timer fired late, as the GoAway has to reach the agent.
            timers.append(loop.call_later(GO_AWAY_GRACE, lambda: self.outbox.end(StreamAgeError())))

        timers.append(loop.call_later(age, renew))
        try:
            await self._read_all(requests)
        except DomainError as error:
            # The frames of a traceback would keep the request in memory until the error is sent.
            self.outbox.end(error.with_traceback(None))
        finally:
            self.outbox.end()  # even after a bug, as an unread stream would look alive
            for timer in timers:
                timer.cancel()

    def go_away(self, reason: str) -> None:
        """Ask the agent to open a new stream."""
        wait = codec.duration(RECONNECT_AFTER)
        self.outbox.send(v1.AttachResponse(go_away=v1.GoAway(reconnect_after=wait, reason=reason)))

    async def _read_all(self, requests: AsyncIterator[v1.AttachRequest]) -> None:
        async for message in requests:
            for request in codec.reports_of(message):
                kind = request.WhichOneof("report")
                if self.outbox.ended or kind == "goodbye":  # no more answers can be sent
                    return
                try:
                    await self._read_one(kind, request)
                except codec.MalformedReportError as error:
                    self.outbox.send(codec.unsupported_message(str(error)))
            del message, request  # so that a large message is freed before the next one arrives

    async def _read_one(self, kind: str | None, request: v1.AttachRequest) -> None:
        self.last_seen = self._clock.monotonic()
        codec.check_report(kind, request)
        if kind == "heartbeat":
            self.outbox.confirm_heartbeat()
        else:
            self._owner.state.renew_leases(self._name, self.last_seen)
        match kind:
            case "piece":
                await self._forward(request.piece)
            case "hello":
                raise InvalidFieldError("report", "hello may be sent only once")
            case _:
                await self._report(request)

    async def _report(self, request: v1.AttachRequest) -> None:
        report = codec.report(self._name, request)
        if isinstance(report, Heartbeat):
            self._owner.state.renew_leases(self._name, self.last_seen, report.alive)
        if request.HasField("run_started") and request.run_started.HasField("resumed_from_step"):
            self.resumed[codec.ref(request.run_started.attempt)] = request.run_started.resumed_from_step
        credit = self._details_credit if isinstance(report, Described) else self._credit
        await credit.acquire()
        self._owner.post(report, credit.release)

    async def _forward(self, piece: v1.LanePiece) -> None:
        """Pass an undecoded piece to the forwarder of its lane, if its attempt may still deliver data.

        Raises:
            MalformedReportError: the lane is not forwarded.
        """
        forwarder = self._forwarders.of(piece.lane)
        if forwarder is None:
            raise codec.MalformedReportError(f"report piece: lane {piece.lane} is not accepted")
        ref = codec.ref(piece.attempt)
        held = await self._delivering_attempt(ref)
        if held is not None:
            forwarder.offer(self._name, ref, codec.append_request(piece, held, self.resumed.get(ref)))

    async def _delivering_attempt(self, ref: AttemptRef) -> HandleEntry | None:
        """Return an attempt if it may deliver data: it is the newest of its run, or its end is stored.

        For any other attempt, return None, and let the owner decide whether to fence the attempt.
        """
        state = self._owner.state
        holdings = state.holdings.get(self._name)
        held = holdings.by_handle.get(ref.handle) if holdings else None
        run = state.runs.get(held.key) if held else None
        newest = held is not None and run is not None and run.attempt == held.attempt
        if held is not None and held.attempt == ref.attempt and (newest or held.exited is not None):
            return held
        await self._credit.acquire()
        self._owner.post(StaleDelivery(self._name, ref), self._credit.release)
        return None


class NamesakeError(DomainError, status=Status.UNAVAILABLE, retry_after=5.0):
    """Another stream of this agent is open, and serves projects outside the bounds of the caller's token."""

    def __init__(self, agent: str) -> None:
        super().__init__(f"agent {agent} is attached, and serves projects that this token does not cover")


class Sessions:
    """Registry of open sessions; opens and closes them."""

    def __init__(
        self, owner: Owner, reading: Reading, outboxes: Outboxes, forwarders: Forwarders, clock: Clock
    ) -> None:
        self._owner = owner
        self._reading = reading
        self._outboxes = outboxes
        self._forwarders = forwarders
        self._clock = clock
        self._open: dict[str, AgentSession] = {}
        self._none_open = asyncio.Event()

    async def open(self, hello: v1.Hello, bounds: Bounds = EVERYWHERE) -> AgentSession:
        """Open a session. Older streams of the agent are ended before its attempts are looked up.

        Args:
            hello: first report of the agent.
            bounds: bounds of its token; sweeps and runs outside the bounds are treated as unknown.

        Raises:
            DomainError: the agent is refused, or the records of its attempts cannot be read.
        """
        codec.check_hello(hello)
        sweeps = _sweep_names(hello, bounds)
        self._check_namesake(hello.agent_id, bounds)
        name = f"{hello.agent_id[:8]}-{secrets.token_hex(4)}"
        outbox = Outbox(name, hello.agent_id)
        session = AgentSession(outbox, self._owner, self._forwarders, self._clock)
        self._outboxes.open(outbox)
        self._open[name] = session
        self._none_open.clear()
        try:
            await self._owner.settle(Announced(name, hello.agent_id))
            attempts = await self._reported_attempts(hello, bounds)
            for held in attempts:
                if held.owned is not None and held.owned.resumed_from_step is not None:
                    session.resumed[held.ref] = held.owned.resumed_from_step
            await self._owner.settle(
                Attached(session=_session(name, hello), sweeps=sweeps, attempts=attempts)
            )
        except BaseException:
            self.close(session)
            raise
        return session

    def close(self, session: AgentSession) -> None:
        """Close a session; its agent keeps the attempts until their leases expire."""
        outbox = session.outbox
        if self._open.pop(outbox.session, None) is not None:
            self._outboxes.close(outbox)
            self._forwarders.forget(outbox.session)
            self._owner.post(Detached(outbox.session, outbox.agent))
            if not self._open:
                self._none_open.set()

    def last_seen(self) -> dict[str, float]:
        """Return the time of the last report of each session, in monotonic seconds."""
        return {name: session.last_seen for name, session in self._open.items()}

    async def go_away(self, patience: float) -> None:
        """Ask all agents to reconnect later; after `patience` seconds, end the streams still open."""
        for session in self._open.values():
            session.go_away("the scheduler is stopping")
        if self._open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none_open.wait(), patience)
        for session in list(self._open.values()):
            session.outbox.end(DomainError("the scheduler is stopping", status=Status.UNAVAILABLE))

    def _check_namesake(self, agent: str, bounds: Bounds) -> None:
        """Check that a new stream of an agent would not end one that serves projects outside `bounds`.

        Raises:
            NamesakeError: the new stream would end such a stream.
        """
        state = self._owner.state
        older = state.sessions.get(state.streams.get(agent, ""))
        if older is None or bounds.everywhere:
            return
        served = [state.sweeps.get(key) or state.ended[key] for key in older.sweeps]
        held = {held.sweep for held in state.holdings[older.id].by_handle.values()}
        if not all(bounds.covers_name(name) for name in (*held, *(str(sweep.name) for sweep in served))):
            raise NamesakeError(agent)

    async def _reported_attempts(self, hello: v1.Hello, bounds: Bounds) -> tuple[ReportedAttempt, ...]:
        if not hello.attempts:
            return ()
        asked = [
            (_run_name(held.run) if bounds.covers_name(held.run) else None, held.attempt)
            for held in hello.attempts
        ]
        named = [(name, number) for name, number in asked if name is not None]
        found = await self._reading(self._reading.records.known, named)
        known = dict(zip(named, found, strict=True))
        return tuple(
            ReportedAttempt(
                ref=AttemptRef(held.run_handle, held.attempt),
                known=known.get((name, held.attempt)) if name is not None else None,
                secret=held.secret,
            )
            for held, (name, _) in zip(hello.attempts, asked, strict=True)
        )


def _session(name: str, hello: v1.Hello) -> Session:
    return Session(
        id=name,
        agent=hello.agent_id,
        host=hello.host,
        pid=hello.pid,
        version=hello.version,
        labels=dict(hello.labels),
        slots=hello.slots,
        storage=hello.storage,
    )


def _sweep_names(hello: v1.Hello, bounds: Bounds) -> tuple[SweepName, ...]:
    """Return the names of those sweeps in a Hello that are within `bounds`.

    Raises:
        NotFoundError: there are none, and the Hello lists no attempts.
    """
    read: list[SweepName] = []
    for text in hello.sweeps:
        with suppress(NotFoundError):
            if bounds.covers_name(text):
                read.append(names.sweep_name(text))
    if hello.sweeps and not read and not hello.attempts:
        raise NotFoundError(f"{hello.sweeps[0]:.200}")
    return tuple(read)


def _run_name(text: str) -> RunName | None:
    try:
        return names.run_name(text)
    except NotFoundError:
        return None
