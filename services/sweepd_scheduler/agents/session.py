"""Session of an agent: takes its reports to the owner and the forwarders, and renews the stream."""

import asyncio
import random
from collections.abc import AsyncIterator

from sweepd import v1
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DomainError, InvalidFieldError, Status
from sweepd_scheduler.agents import codec
from sweepd_scheduler.agents.forwarder import Forwarders
from sweepd_scheduler.agents.outboxes import Outbox
from sweepd_scheduler.domain.agents.agent import AttemptRef, HandleEntry
from sweepd_scheduler.domain.agents.commands import Unsupported
from sweepd_scheduler.domain.events import Described, Heartbeat, StaleDelivery
from sweepd_scheduler.owner.owner import Owner

UNDECIDED_REPORTS = 64
UNDECIDED_DETAILS = 2
"""They may be large; an agent has one of each attempt under way."""
STREAM_AGE = 30 * 60.0
AGE_SPREAD = 0.1
GO_AWAY_GRACE = 30.0
RECONNECT_AFTER = 1.0


class StreamAgeError(DomainError):
    """The stream was asked to end and did not."""

    def __init__(self) -> None:
        super().__init__("this stream is too old; open a new one", status=Status.UNAVAILABLE, retry_after=1.0)


class AgentSession:
    """One open stream. Reports that wait for a decision are bounded, which pushes the agent back."""

    def __init__(self, outbox: Outbox, owner: Owner, forwarders: Forwarders, clock: Clock) -> None:
        self.outbox = outbox
        # Steps from which attempts have resumed a checkpoint.
        self.resumed: dict[AttemptRef, int] = {}
        # Monotonic time of the last report.
        self.last_seen = clock.monotonic()
        self._name = outbox.session
        self._owner = owner
        self._forwarders = forwarders
        self._clock = clock
        self._credit = asyncio.Semaphore(UNDECIDED_REPORTS)
        self._details_credit = asyncio.Semaphore(UNDECIDED_DETAILS)

    async def read(self, requests: AsyncIterator[v1.AttachRequest]) -> None:
        """Take in reports until the agent ends the stream, or it is too old; the outbox ends with it."""
        loop = asyncio.get_running_loop()
        age = STREAM_AGE * random.uniform(1 - AGE_SPREAD, 1 + AGE_SPREAD)  # noqa: S311 (jitter)
        timers: list[asyncio.TimerHandle] = []

        def renew() -> None:
            self.go_away("the stream has reached its age")
            # From now on, however late this is: the command has to reach the agent.
            timers.append(loop.call_later(GO_AWAY_GRACE, lambda: self.outbox.end(StreamAgeError())))

        timers.append(loop.call_later(age, renew))
        try:
            await self._read_all(requests)
        except DomainError as error:
            # Without the frames, which have the message: it is answered only when its turn has come.
            self.outbox.end(error.with_traceback(None))
        finally:
            self.outbox.end()  # also after a defect: a stream that nobody reads would look alive
            for timer in timers:
                timer.cancel()

    def go_away(self, reason: str) -> None:
        """Ask the agent to open a new stream."""
        wait = codec.duration(RECONNECT_AFTER)
        self.outbox.send(v1.AttachResponse(go_away=v1.GoAway(reconnect_after=wait, reason=reason)))

    async def _read_all(self, requests: AsyncIterator[v1.AttachRequest]) -> None:
        async for message in requests:
            for request in codec.one_by_one(message):
                kind = request.WhichOneof("report")
                if self.outbox.ended or kind == "goodbye":  # nobody would read the answers
                    return
                try:
                    await self._read_one(kind, request)
                except codec.MalformedReportError as error:
                    refusal = codec.unsupported_message(Unsupported(str(error)))
                    self.outbox.send(refusal)
            del message, request  # until the next one comes it may be long, and this one large

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
                raise InvalidFieldError("report", "hello comes once")
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
        self._owner.tell(report, credit.release)

    async def _forward(self, piece: v1.LanePiece) -> None:
        """Give a piece to the forwarder of its lane, unread, if its attempt may deliver.

        Raises:
            MalformedReportError: no such lane is forwarded.
        """
        forwarder = self._forwarders.of(piece.lane)
        if forwarder is None:
            raise codec.MalformedReportError(f"report piece: lane {piece.lane} is not taken here")
        ref = codec.ref(piece.attempt)
        held = await self._delivering(ref)
        if held is not None:
            forwarder.offer(self._name, ref, codec.append_request(piece, held, self.resumed.get(ref)))

    async def _delivering(self, ref: AttemptRef) -> HandleEntry | None:
        """Return the run whose attempt may deliver: the newest, or one whose end was taken; else None.

        Whether any other is fenced is decided like all else, once what is staged is stored.
        """
        state = self._owner.state
        holdings = state.holdings.get(self._name)
        held = holdings.by_handle.get(ref.handle) if holdings else None
        run = state.runs.get(held.key) if held else None
        newest = held is not None and run is not None and run.attempt == held.attempt
        if held is not None and held.attempt == ref.attempt and (newest or held.exited is not None):
            return held
        await self._credit.acquire()
        self._owner.tell(StaleDelivery(self._name, ref), self._credit.release)
        return None
