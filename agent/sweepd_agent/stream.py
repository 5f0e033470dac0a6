"""One stream to the scheduler: what goes up, in order of urgency, and what comes down."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc.aio

from sweepd import v1
from sweepd.codec.gathering import gathered
from sweepd.rpc.bidi_call import BidiCall
from sweepd.rpc.channel import Entries
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd_agent import codec
from sweepd_agent.core.attempt import AttemptKey
from sweepd_agent.feed import Feed

WELCOME_WITHIN = 20.0
_UNNAMED = "report of an unknown kind"
_DETAILS = "report 11"
# Kinds of reports that the first version did not know.
_LATER = {_DETAILS}
_GOODBYE_WITHIN = 1.0

Call = BidiCall[v1.AttachRequest, v1.AttachResponse]


class Owner(Protocol):
    """What a stream asks of the agent that it serves."""

    def hello(self, handles: dict[int, AttemptKey]) -> v1.Hello:
        """Return who the agent is and what it holds, and enter the handles that it gives."""

    def welcomed(self, stream: "Stream", welcome: v1.Welcome) -> None:
        """Take over the scheduler's verdicts."""

    def commanded(self, stream: "Stream", response: v1.AttachResponse) -> None:
        """Carry out a command."""

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that may have something to say."""

    def alive(self) -> Iterator[Feed]:
        """Yield the feeds of attempts whose process lives."""

    def exit_sent(self, feed: Feed) -> None:
        """Take note that the end of an attempt went out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneAway:
    """The scheduler asked for a new stream."""

    wait: float
    reason: str


class Stream:
    """Lives from Hello to the end of the call; asks for reports one by one, as the connection takes them."""

    def __init__(self, owner: Owner, draw: Callable[[], float] = random.random) -> None:
        self.handles: dict[int, AttemptKey] = {}
        self.gone_away: GoneAway | None = None
        self._owner = owner
        self._draw = draw
        self._control: deque[v1.AttachRequest] = deque()
        self._news = asyncio.Event()
        self._point_window = 0
        self._log_window = 0
        self._file_window = 0
        self._system_window = 0
        self._takes_several = False
        self._heartbeat = 10.0
        self._lease = 30.0
        # Monotonic time of the last message that came down.
        self.heard = 0.0
        self._refused: set[str] = set()
        self._turn = 0
        self._leaving = False
        self._left = False

    @property
    def takes_files(self) -> bool:
        """Whether the scheduler takes files of runs."""
        return self._file_window > 0

    @property
    def takes_samples(self) -> bool:
        """Whether the scheduler takes samples of what runs use."""
        return self._system_window > 0

    def open_feed(self, feed: Feed, handle: int, cursors: v1.AttemptVerdict | None = None) -> None:
        """Let a feed speak on this stream."""
        feed.open(handle, cursors, takes_files=self.takes_files, takes_samples=self.takes_samples)

    def control(self, report: v1.AttachRequest) -> None:
        """Send a report before all rows."""
        self._control.append(report)
        self._news.set()

    def wake(self) -> None:
        """Look for reports: there are new ones."""
        self._news.set()

    def leave(self, reason: str) -> None:
        """End the stream with a last word, once what is urgent is out."""
        self._leaving = True
        self.control(v1.AttachRequest(goodbye=v1.Goodbye(reason=reason)))

    def refuse(self, report: str) -> None:
        """Leave out a kind of report that the scheduler does not know, named as in `report 17`.

        The first version cannot name it: then everything that it did not know is left out.
        """
        self._refused |= _LATER if report == _UNNAMED else {report}
        if report.startswith("report details") or _DETAILS in self._refused:
            self._leave_out_details()

    async def run(self, channel: grpc.aio.Channel, metadata: Entries, connected: Callable[[], None]) -> None:
        """Attach, and serve the stream until it ends.

        Raises:
            grpc.aio.AioRpcError: the call failed or was refused.
            TimeoutError: no Welcome came, or nothing more for the length of a lease.
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
        self._point_window = welcome.point_window_bytes
        self._log_window = welcome.log_window_bytes
        self._file_window = welcome.file_window_bytes
        self._system_window = welcome.system_window_bytes
        self._takes_several = welcome.takes_several
        self._heartbeat = codec.seconds(welcome.heartbeat_interval) or self._heartbeat
        self._lease = codec.seconds(welcome.lease_duration) or self._lease
        self.heard = asyncio.get_running_loop().time()
        self._owner.welcomed(self, welcome)

    async def _read(self, call: Call) -> None:
        while (message := await call.read()) is not None:
            self.heard = asyncio.get_running_loop().time()
            for response in (message, *message.more):
                if response.HasField("heartbeat_seen"):
                    continue
                if response.HasField("go_away"):
                    wait = codec.seconds(response.go_away.reconnect_after)
                    self.gone_away = GoneAway(
                        wait=wait * (0.5 + self._draw()), reason=response.go_away.reason
                    )
                    return
                self._owner.commanded(self, response)

    async def _write(self, call: Call) -> None:
        while not self._left:
            report = self._next_known()
            if report is None:
                self._news.clear()
                await self._news.wait()
            else:
                await call.write(gathered(report, self._next_known) if self._takes_several else report)
        await call.done_writing()
        await asyncio.sleep(_GOODBYE_WITHIN)

    def _next_known(self) -> v1.AttachRequest | None:
        """Return the most urgent report of a kind that the scheduler knows; after the last word none."""
        while not self._left and (report := self._next()) is not None:
            if _number(report) in self._refused:
                self._leave_out_details()
                continue
            self._left = self._leaving and report.HasField("goodbye")
            return report
        return None

    def _leave_out_details(self) -> None:
        for feed in self._owner.feeds():
            feed.details.refuse()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat * (0.8 + 0.4 * self._draw()))
            refs = [feed.ref for feed in self._owner.alive() if feed.ref is not None]
            self.control(v1.AttachRequest(heartbeat=v1.Heartbeat(alive=refs)))

    async def _watch(self) -> None:
        """Raise TimeoutError once nothing has come for a lease: a link may be half open, unnoticed by TCP."""
        time = asyncio.get_running_loop().time
        while (left := self.heard + self._lease - time()) > 0:  # noqa: ASYNC110 -- an event a message costs more
            await asyncio.sleep(left)
        raise TimeoutError

    def _next(self) -> v1.AttachRequest | None:
        """Return the most urgent report; attempts take turns."""
        if self._control:
            return self._control.popleft()
        feeds = self._owner.feeds()
        if not feeds:
            return None
        self._turn = (self._turn + 1) % len(feeds)
        order = [*feeds[self._turn :], *feeds[: self._turn]]
        for feed in order:
            if report := feed.next_urgent():
                if report.HasField("run_exited"):
                    self._owner.exit_sent(feed)
                return report
        for feed in order:
            if report := feed.next_points(self._point_window):
                return report
        for feed in order:
            if report := feed.next_sample(self._system_window):
                return report
        for feed in order:
            if report := feed.next_log(self._log_window):
                return report
        for feed in order:
            if report := feed.next_file(self._file_window):
                return report
        return None


def _number(report: v1.AttachRequest) -> str:
    """Return a kind of report as the scheduler names one whose name it does not know."""
    kind = report.WhichOneof("report")
    return "" if kind is None else f"report {v1.AttachRequest.DESCRIPTOR.fields_by_name[kind].number}"
