"""One stream of an agent: what becomes of each report on it, and when it is renewed."""

import asyncio
import random
from collections.abc import AsyncIterator

from sweepd import v1
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DomainError, InvalidFieldError, Status
from sweepd_scheduler import agent_codec
from sweepd_scheduler.domain.agents.agent import AttemptRef, Held
from sweepd_scheduler.domain.decision import NotUnderstood
from sweepd_scheduler.domain.events import Described, Heartbeat, Strayed
from sweepd_scheduler.lines import Line, Lines
from sweepd_scheduler.owner import Owner
from sweepd_scheduler.relay import LARGEST_PARCEL, A, Parcel, Q, Relay
from sweepd_scheduler.relays import Points, Relays

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
        timers = (
            loop.call_later(age, self.go_away, "the stream has reached its age"),
            loop.call_later(age + LAST_WORDS, lambda: self.line.end(StreamAgeError())),
        )
        try:
            await self._read_all(requests)
        except DomainError as error:
            self.line.end(error)
        finally:
            self.line.end()  # also after a defect: a stream that nobody reads would look alive
            for timer in timers:
                timer.cancel()

    def go_away(self, reason: str) -> None:
        """Ask the agent to open a new stream."""
        wait = agent_codec.duration(RECONNECT_AFTER)
        self.line.send(v1.AttachResponse(go_away=v1.GoAway(reconnect_after=wait, reason=reason)))

    async def _read_all(self, requests: AsyncIterator[v1.AttachRequest]) -> None:
        async for request in requests:
            if self.line.ended:  # nobody would read the answers
                return
            kind = request.WhichOneof("report")
            self.heard = self._clock.monotonic()
            if kind == "heartbeat":
                self.line.send(v1.AttachResponse(heartbeat_seen=v1.HeartbeatSeen()))
            else:
                self._owner.state.hear(self.line.session, self.heard)
            match kind:
                case "points":
                    await self._pass_points(request.points, self._relays.points)
                case "system_points":
                    await self._pass_points(request.system_points, self._relays.system)
                case "file":
                    await self._pass_file(request.file)
                case "log":
                    await self._pass_log(request.log)
                case "goodbye":
                    return
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

    async def _pass_points(self, report: v1.PointReport, relay: Points) -> None:
        ref = agent_codec.ref(report.attempt)
        run = await self._reporting(ref)
        if run is not None:
            request = v1.AppendPointsRequest(
                run=run.run,
                sweep=run.sweep,
                attempt=ref.attempt,
                batch=report.batch,
                resumed_from_step=self.resumed.get(ref),
                system=relay is self._relays.system,
            )
            parcel = Parcel(
                name=(request.run, ref.attempt),
                request=request,
                size=request.ByteSize(),
                start=max(0, report.batch.first_row - 1),
                end=report.batch.last_row,
            )
            self._offer(relay, ref, parcel)

    async def _pass_file(self, report: v1.FileReport) -> None:
        ref = agent_codec.ref(report.attempt)
        run = await self._reporting(ref)
        if run is not None:
            request = v1.AppendFilesRequest(
                run=run.run,
                sweep=run.sweep,
                attempt=ref.attempt,
                number=report.number,
                piece=report.piece,
            )
            parcel = Parcel(
                name=(request.run, ref.attempt),
                request=request,
                size=request.ByteSize(),
                start=max(0, report.number - 1),
                end=report.number,
            )
            self._offer(self._relays.files, ref, parcel)

    async def _pass_log(self, report: v1.LogReport) -> None:
        ref = agent_codec.ref(report.attempt)
        run = await self._reporting(ref)
        if run is not None:
            request = v1.AppendLogRequest(
                run=run.run,
                sweep=run.sweep,
                attempt=ref.attempt,
                offset=report.offset,
                content=report.content,
            )
            parcel = Parcel(
                name=(request.run, ref.attempt),
                request=request,
                size=request.ByteSize(),
                start=report.offset,
                end=report.offset + len(report.content),
            )
            self._offer(self._relays.logs, ref, parcel)

    def _offer(self, relay: Relay[Q, A], ref: AttemptRef, parcel: Parcel[Q]) -> None:
        """Hand a request to its relay, unless it is larger than anyone may send."""
        if parcel.size <= LARGEST_PARCEL:
            relay.offer(self.line.session, ref, parcel)
        else:
            self._lines.tell(self.line.session, NotUnderstood(f"a report of {parcel.size} bytes"), None)

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
