"""One stream of an agent: what becomes of each report on it, and when it is renewed."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from sweepd import v1
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DomainError, InvalidFieldError, Status
from sweepd_scheduler import agent_codec, parcels
from sweepd_scheduler.domain.agents.agent import AttemptRef, Held
from sweepd_scheduler.domain.agents.commands import NotUnderstood
from sweepd_scheduler.domain.events import Described, Heartbeat, Strayed
from sweepd_scheduler.lines import Line, Lines
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.relay import A, Parcel, Q, Relay
from sweepd_scheduler.relays import Relays

R = TypeVar("R", v1.PointReport, v1.LogReport, v1.FileReport)

UNDECIDED_REPORTS = 64
UNDECIDED_DETAILS = 2
"""They may be large; an agent has one of each attempt under way."""
STREAM_AGE = 30 * 60.0
AGE_SPREAD = 0.1
LAST_WORDS = 30.0
RECONNECT_AFTER = 1.0


class StreamAgeError(DomainError):
    """The stream was asked to end and did not."""

    def __init__(self) -> None:
        super().__init__("this stream is too old; open a new one", status=Status.UNAVAILABLE, retry_after=1.0)


class AgentSession:
    """One open stream. Reports that wait for a decision are bounded, which pushes the agent back."""

    def __init__(self, line: Line, owner: Owner, lines: Lines, relays: Relays, clock: Clock) -> None:
        self.line = line
        self.resumed: dict[AttemptRef, int] = {}
        self._owner = owner
        self._lines = lines
        self._relays = relays
        self._clock = clock
        self._credit = asyncio.Semaphore(UNDECIDED_REPORTS)
        self._details_credit = asyncio.Semaphore(UNDECIDED_DETAILS)
        self.heard = clock.monotonic()

    async def read(self, requests: AsyncIterator[v1.AttachRequest]) -> None:
        """Take in reports until the agent ends the stream, or it is too old; the line ends with it."""
        loop = asyncio.get_running_loop()
        age = STREAM_AGE * random.uniform(1 - AGE_SPREAD, 1 + AGE_SPREAD)  # noqa: S311 (jitter)
        timers: list[asyncio.TimerHandle] = []

        def is_old() -> None:
            self.go_away("the stream has reached its age")
            # From now on, however late this is: what it was asked has to reach the agent.
            timers.append(loop.call_later(LAST_WORDS, lambda: self.line.end(StreamAgeError())))

        timers.append(loop.call_later(age, is_old))
        try:
            await self._read_all(requests)
        except DomainError as error:
            # Without the frames, which have the message: it is answered only when its turn has come.
            self.line.end(error.with_traceback(None))
        finally:
            self.line.end()  # also after a defect: a stream that nobody reads would look alive
            for timer in timers:
                timer.cancel()

    def go_away(self, reason: str) -> None:
        """Ask the agent to open a new stream."""
        wait = agent_codec.duration(RECONNECT_AFTER)
        self.line.send(v1.AttachResponse(go_away=v1.GoAway(reconnect_after=wait, reason=reason)))

    async def _read_all(self, requests: AsyncIterator[v1.AttachRequest]) -> None:
        async for message in requests:
            for request in agent_codec.one_by_one(message):
                kind = request.WhichOneof("report")
                if (
                    self.line.ended or kind == "goodbye"
                ):  # of a line that has ended nobody would read the answers
                    return
                await self._read_one(kind, request)
            del message, request  # until the next one comes it may be long, and this one large

    async def _read_one(self, kind: str | None, request: v1.AttachRequest) -> None:
        self.heard = self._clock.monotonic()
        try:
            agent_codec.check_report(kind, request)
        except agent_codec.MalformedReportError as error:
            self._lines.tell(self.line.session, NotUnderstood(str(error)), None)
            return
        if kind == "heartbeat":
            self.line.send(v1.AttachResponse(heartbeat_seen=v1.HeartbeatSeen()))
        else:
            self._owner.state.hear(self.line.session, self.heard)
        match kind:
            case "points":
                await self._hand_on(self._relays.points, request.points, self._points)
            case "system_points":
                await self._hand_on(self._relays.system, request.system_points, self._samples)
            case "log":
                await self._hand_on(self._relays.logs, request.log, parcels.log)
            case "file":
                await self._hand_on(self._relays.files, request.file, parcels.file)
            case "hello":
                raise InvalidFieldError("report", "hello comes once")
            case _:
                await self._report(request)

    async def _report(self, request: v1.AttachRequest) -> None:
        try:
            report = agent_codec.report(self.line.session, request)
        except agent_codec.MalformedReportError as error:
            self._lines.tell(self.line.session, NotUnderstood(str(error)), None)
            return
        if isinstance(report, Heartbeat):
            self._owner.state.hear(self.line.session, self.heard, report.alive)
        if request.HasField("run_started") and request.run_started.HasField("resumed_from_step"):
            self.resumed[agent_codec.ref(request.run_started.attempt)] = request.run_started.resumed_from_step
        credit = self._details_credit if isinstance(report, Described) else self._credit
        await credit.acquire()
        self._owner.tell(report, credit.release)

    async def _hand_on(self, relay: Relay[Q, A], report: R, parcel: Callable[[Held, R], Parcel[Q]]) -> None:
        """Give a report to its relay, if its attempt may deliver.

        The limit of a message of the stream keeps it well below what the metric store reads.
        """
        ref = agent_codec.ref(report.attempt)
        held = await self._reporting(ref)
        if held is not None:
            relay.offer(self.line.session, ref, parcel(held, report))

    def _points(self, of: Held, report: v1.PointReport) -> Parcel[v1.AppendPointsRequest]:
        return parcels.points(of, report, self._resumed_at(report), system=False)

    def _samples(self, of: Held, report: v1.PointReport) -> Parcel[v1.AppendPointsRequest]:
        return parcels.points(of, report, self._resumed_at(report), system=True)

    def _resumed_at(self, report: v1.PointReport) -> int | None:
        return self.resumed.get(agent_codec.ref(report.attempt))

    async def _reporting(self, ref: AttemptRef) -> Held | None:
        """Return what is held of the run whose attempt may deliver: the newest, or one whose end was taken.

        For others None; whether they are fenced is decided like all else, once what is staged is stored.
        """
        state = self._owner.state
        holdings = state.holdings.get(self.line.session)
        held = holdings.by_handle.get(ref.handle) if holdings else None
        run = state.runs.get(held.key) if held else None
        newest = held is not None and run is not None and run.attempt == held.attempt
        if held is not None and held.attempt == ref.attempt and (newest or held.exited is not None):
            return held
        await self._credit.acquire()
        self._owner.tell(Strayed(self.line.session, ref), self._credit.release)
        return None
