"""Connection to the scheduler: asks the gateway, attaches directly if possible, reconnects after a loss."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from sweepd import v1
from sweepd.backoff import Backoff
from sweepd.rpc.channel import call_metadata, open_channel
from sweepd.rpc.discovery import NoContextError, NoServerError, Target, resolve
from sweepd.rpc.failure import Failure, unreachable_cause
from sweepd.v1.server_service_pb2_grpc import ServerServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from sweepd_agent.agent import Agent
from sweepd_agent.core.attempt import Json
from sweepd_agent.core.events import Leave, Refusal, Refused, SweepsNamed
from sweepd_agent.core.serving import SweepName
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire.dialogue import Dialogue
from sweepd_agent.wire.stream import GoneAway, Stream

_GOODBYE_WITHIN = 2.0
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_HEALTHY_AFTER = 30.0
_LOOKUP_WITHIN = 10.0
_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialling:
    """Parameters of a connection: server, token, sweeps and hooks."""

    server: str | None
    token: str | None
    # Read again before each try, so that a new token replaces an expired one.
    token_file: Path | None = None
    sweeps: Sequence[SweepName]
    # Called before each stream with the gateway's channel and address; may raise LookupRefusedError.
    prepare: Callable[[grpc.aio.Channel, str], Awaitable[None]] | None = None
    # Called with the server's address and the reason why no stream opens; empty once one is open.
    trouble: Callable[[str, str], None] | None = None


class Connection:
    """Sequence of streams to the scheduler, until the agent leaves."""

    def __init__(self, agent: Agent, dialogue: Dialogue, dialling: Dialling, around: Surroundings) -> None:
        self._agent = agent
        self._dialogue = dialogue
        self._dialling = dialling
        self._environ = around.environ
        self._log = around.log
        self._monotonic = around.monotonic
        self._named = False
        # Address of the server, for display.
        self._address = ""
        # Last known address of the scheduler, used even if the gateway is unavailable; None: unknown.
        self._direct: str | None = None
        self._connected_at: float | None = None
        self._complaint = ""
        self._leaving = False

    async def stay(self) -> Leave:
        """Stay attached until the agent leaves; then end the stream with a Goodbye, and close the agent."""
        keeping = asyncio.create_task(self._keep())
        keeping.add_done_callback(self._agent.fail)
        leave = await self._agent.left
        self._leaving = True
        if self._agent.stream is not None:
            self._agent.stream.leave(leave.cause)
            await asyncio.wait({keeping}, timeout=_GOODBYE_WITHIN)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await self._agent.close()
        return leave

    async def _keep(self) -> None:
        """Attach in a loop, with backoff, until cancelled."""
        backoff = Backoff(first=_FIRST_WAIT, longest=_LONGEST_WAIT, healthy_after=_HEALTHY_AFTER)
        while True:
            self._connected_at = None
            wait: float | None = None
            try:
                gone = await self._attach()
                message = gone.reason if gone is not None else "the server ended the stream"
                wait = gone.wait if gone is not None else None
            except grpc.aio.AioRpcError as error:
                message = self._handle_failure(Failure.of(error))
            except LookupRefusedError as error:
                message = str(error)
                self._agent.handle(Refused(error.refusal, message))
            except NoContextError as error:
                message = str(error)
                self._agent.handle(Refused(Refusal.NO_CONTEXT, message))
            except NoServerError as error:
                message = str(error)
            except TimeoutError:
                message = "the scheduler did not answer"
            except OSError as error:  # rows to be sent cannot be read
                message = str(error)
            duration = self._end()
            if self._leaving:
                return
            if duration is None:
                self._report_trouble(message)
            window = min(backoff.next_delay(lasted=duration or 0.0), longest_wait(self._dialogue.lost_after))
            if wait is None:
                wait = random.random() * window  # noqa: S311 (full jitter, against a thundering herd)
            self._complain(message, wait)
            await asyncio.sleep(wait)

    async def _attach(self) -> GoneAway | None:
        """Serve one stream until it ends; return the GoAway of the scheduler, if there was one."""
        target = self._target()
        self._address = target.address
        async with open_channel(target.address, target.token) as gateway:
            try:
                info = await server_info(gateway)
                if not self._named:
                    self._agent.handle(SweepsNamed(await full_names(gateway, self._dialling.sweeps)))
                    self._named = True
                if self._dialling.prepare is not None:
                    await self._dialling.prepare(gateway, target.address)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or self._direct is None:
                    raise
            else:
                self._direct = self._direct_address(info)
            if self._direct is not None:
                try:
                    return await self._attach_directly(self._direct, target)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE or self._connected_at is not None:
                        raise
            return await self._serve(gateway, target, "door")

    async def _attach_directly(self, address: str, target: Target) -> GoneAway | None:
        async with open_channel(address, target.token) as channel:
            return await self._serve(channel, target, "direct")

    async def _serve(self, channel: grpc.aio.Channel, target: Target, way: str) -> GoneAway | None:
        stream = Stream(self._dialogue)

        def connected() -> None:
            self._connected_at = self._monotonic()
            self._complaint = ""
            self._report_trouble("")
            fields: dict[str, Json] = {
                "server": target.address,
                "way": way,
                "session": self._dialogue.session,
            }
            self._log.event("connected", None, fields)

        await stream.run(channel, call_metadata(target.token), connected)
        return stream.gone_away

    def _end(self) -> float | None:
        """Record the end of a stream; return its lifetime in seconds, None if no stream was open."""
        if self._connected_at is None:
            return None
        self._agent.disconnected()
        return self._monotonic() - self._connected_at

    def _target(self) -> Target:
        """Return the server to connect to; resolve it at each try, as it may have started or changed."""
        dialling = self._dialling
        target = resolve(dialling.server, self._environ)
        token = dialling.token
        if dialling.token_file is not None:
            with suppress(OSError, UnicodeDecodeError):
                token = dialling.token_file.read_text().strip() or token
        return target if token is None else Target(target.address, token)

    def _direct_address(self, info: v1.GetServerInfoResponse) -> str | None:
        # An agent on the server's host attaches directly to the scheduler.
        same_host = info.host_boot_id == self._dialogue.boot_id
        address = info.local_attach_address if same_host else info.advertised_attach_address
        return address or None

    def _handle_failure(self, failure: Failure) -> str:
        """Pass a refusal to the state machine; return the message of the failure."""
        refusal = _refusal(failure)
        message = failure.message
        if failure.code == "UNAVAILABLE" and failure.reason is None:
            cause = unreachable_cause(message)
            lost = self._connected_at is not None
            message = f"{'lost' if lost else 'cannot reach'} {self._address}: {cause}"
        if refusal is Refusal.BAD_TOKEN:
            message = f"{message}; log in with `sweepctl login`, or set SWEEPD_TOKEN or --token-file"
        elif refusal is Refusal.NO_SUCH_SWEEP:
            message = f"{message}; `sweepctl list` lists the sweeps"
        if refusal is not None:
            self._agent.handle(Refused(refusal, message))
        return message

    def _report_trouble(self, why: str) -> None:
        if self._dialling.trouble is not None:
            self._dialling.trouble(self._address, why)

    def _complain(self, message: str, wait: float) -> None:
        """Log a problem once, not at every try."""
        if message != self._complaint and not self._agent.state.left:
            self._complaint = message
            runs = sum(held.has_process for held in self._agent.state.held.values())
            fields: dict[str, Json] = {"message": message, "wait_s": round(wait, 3), "runs": runs}
            self._log.event("disconnected", None, fields)


class LookupRefusedError(Exception):
    """A look-up before a stream is refused, e.g. because a name matches no sweep, or several sweeps."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


def longest_wait(lost_after: float | None) -> float:
    """Return the longest wait between connection attempts: a quarter of `lost_after`, within fixed bounds."""
    return _LONGEST_WAIT if lost_after is None else min(_LONGEST_WAIT, max(_FIRST_WAIT, lost_after / 4))


def _refusal(failure: Failure) -> Refusal | None:
    match failure.code, failure.reason:
        case _, "stream-replaced":
            return Refusal.REPLACED
        case _, "sweep-ended":
            return Refusal.SWEEP_ENDED
        case "NOT_FOUND", _:
            return Refusal.NO_SUCH_SWEEP
        case "UNAUTHENTICATED" | "PERMISSION_DENIED", _:
            return Refusal.BAD_TOKEN
        case _:
            return None


async def server_info(gateway: grpc.aio.Channel) -> v1.GetServerInfoResponse:
    """Return the description of the server; raise grpc.aio.AioRpcError if it does not answer."""
    return await ServerServiceStub(gateway).GetServerInfo(v1.GetServerInfoRequest(), timeout=_LOOKUP_WITHIN)


async def full_names(gateway: grpc.aio.Channel, names: Sequence[SweepName]) -> frozenset[str]:
    """Return the full names of sweeps; look up only bare ids.

    Raises:
        LookupRefusedError: an id matches no sweep, or several sweeps.
        grpc.aio.AioRpcError: the server did not answer.
    """
    if all(name.full is not None for name in names):
        return frozenset(name.full for name in names if name.full is not None)
    there = [sweep async for sweep in _sweeps(gateway)]
    return frozenset(
        name.full or _only(name, [sweep for sweep in there if name.matches(sweep)]) for name in names
    )


def _only(name: SweepName, found: Sequence[str]) -> str:
    if not found:
        raise LookupRefusedError(
            Refusal.NO_SUCH_SWEEP, f"no sweep {name.id}; `sweepctl list` lists the sweeps"
        )
    if len(found) > 1:
        raise LookupRefusedError(
            Refusal.AMBIGUOUS, f"{name.id} is ambiguous ({', '.join(sorted(found))}); write the full name"
        )
    return found[0]


async def _sweeps(gateway: grpc.aio.Channel) -> AsyncIterator[str]:
    stub = SweepServiceStub(gateway)
    token = ""
    while True:
        request = v1.ListSweepsRequest(page_size=_PAGE, page_token=token)
        page = await stub.ListSweeps(request, timeout=_LOOKUP_WITHIN)
        for sweep in page.sweeps:
            yield sweep.name
        token = page.next_page_token
        if not token:
            return
