"""Agent scripted by a test, on a real stream: without processes and without a disk."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import grpc.aio

from lanes import points_piece
from sweepd import v1
from sweepd.agent_identity import agent_id
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from waiting import PATIENCE


def secret_of(named: str) -> bytes:
    """Return the secret of the agent that has this name in the tests."""
    return hashlib.sha256(named.encode()).digest()


def id_of(named: str) -> str:
    """Return the id of the agent that has this name in the tests."""
    return agent_id(secret_of(named))


def held(start: v1.StartRun, handle: int = 9, *, alive: bool = True) -> v1.HeldAttempt:
    """Return an attempt as its agent names it in a hello."""
    return v1.HeldAttempt(
        run_handle=handle, run=start.run, attempt=start.attempt, alive=alive, secret=start.secret
    )


class ScriptedAgent:
    """Stream of the agent with a name; it keeps received commands until a test takes them."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        sweep: str,
        *,
        named: str | None = None,
        secret: bytes | None = None,
        slots: int = 1,
        held: Sequence[v1.HeldAttempt] = (),
        more_sweeps: Sequence[str] = (),
    ) -> None:
        self.secret = secret or secret_of(named or secrets.token_hex(8))
        self.agent_id = agent_id(self.secret)
        self._call = AgentServiceStub(channel).Attach()
        self.hello = v1.Hello(
            agent_id=self.agent_id,
            agent_secret=self.secret,
            instance=secrets.token_hex(8),
            pid=1,
            host="scripted",
            version="0",
            protocol_version=1,
            slots=slots,
            sweeps=[sweep, *more_sweeps] if sweep else [],
            attempts=held,
        )
        self._arrived = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.received: list[v1.AttachResponse] = []
        # Kinds of the commands in each received message.
        self.kinds_by_message: list[list[str]] = []
        self.error: grpc.aio.AioRpcError | None = None
        self.ended = False

    def impersonate(self, agent: str, secret: bytes) -> None:
        """Use the identity of another agent; call this before the stream begins."""
        self.hello.agent_id, self.hello.agent_secret = agent, secret

    async def __aenter__(self) -> Self:
        self._reading = asyncio.get_running_loop().create_task(self._read())
        await self.send(hello=self.hello)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        if self._reading is not None:
            await asyncio.wait([self._reading])

    def cut(self) -> None:
        """Cancel the call, as a lost connection does."""
        self._call.cancel()

    async def send(self, **report: object) -> None:
        await self._call.write(v1.AttachRequest(**report))  # type: ignore[arg-type]  # one report by its name

    async def send_together(self, first: v1.AttachRequest, *more: v1.AttachRequest) -> None:
        """Send reports in one message."""
        message = v1.AttachRequest(more=more)
        message.MergeFrom(first)
        await self._call.write(message)

    async def offer(self, wanted: int = 1) -> None:
        await self.send(offer=v1.Offer(wanted=wanted))

    async def next_start(self) -> v1.StartRun:
        """Wait for a StartRun, and confirm it."""
        start = (await self.receive("start_run")).start_run
        await self.send(command_result=v1.CommandResult(command_id=start.command_id))
        return start

    async def start_process(self, start: v1.StartRun, *, resumed_from: int | None = None) -> v1.AttemptRef:
        ref = v1.AttemptRef(run_handle=start.run_handle, attempt=start.attempt)
        await self.send(
            run_started=v1.RunStarted(attempt=ref, pid=7, argv=["python"], resumed_from_step=resumed_from)
        )
        return ref

    async def observe(self, ref: v1.AttemptRef, first_row: int, *values: float) -> None:
        await self.send(observations=observation_batch(ref, first_row, *values))

    async def points(self, ref: v1.AttemptRef, first_row: int, *values: float, key: str = "loss") -> None:
        await self.send(piece=points_piece(ref, first_row, point_batch(first_row, *values, key=key)))

    async def exit(
        self,
        ref: v1.AttemptRef,
        last_row: int = 0,
        *,
        code: int | None = 0,
        cause: v1.ExitCause.ValueType = v1.EXIT_CAUSE_EXITED,
        keys: Sequence[str] = (),
        log_tail: str = "",
    ) -> None:
        ended = v1.RunExited(
            attempt=ref,
            last_row=last_row,
            exit=v1.Exit(cause=cause, code=code),
            logged_keys=keys,
            log_tail=log_tail,
        )
        await self.send(run_exited=ended)

    async def receive(
        self, kind: str, where: Callable[[v1.AttachResponse], bool] = lambda _: True
    ) -> v1.AttachResponse:
        """Wait for a command of a kind, remove the first one from `received`, and return it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for message in self.received:
                    if message.WhichOneof("command") == kind and where(message):
                        self.received.remove(message)
                        return message
                if self.error is not None:
                    raise self.error
                self._arrived.clear()
                await self._arrived.wait()

    async def receive_any(self, *kinds: str) -> v1.AttachResponse:
        """Wait for a command of any of these kinds, remove the first one from `received`, and return it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for message in self.received:
                    if message.WhichOneof("command") in kinds:
                        self.received.remove(message)
                        return message
                if self.error is not None:
                    raise self.error
                self._arrived.clear()
                await self._arrived.wait()

    async def acked_exit(self, ref: v1.AttemptRef) -> v1.Ack:
        message = await self.receive("ack", lambda m: m.ack.exited and m.ack.attempt == ref)
        return message.ack

    async def end(self) -> grpc.aio.AioRpcError | None:
        """Wait for the end of the stream, and return its error."""
        assert self._reading is not None
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self._reading])
        return self.error

    async def _read(self) -> None:
        try:
            async for message in self._call:
                self.kinds_by_message.append(
                    [each.WhichOneof("command") or "" for each in (message, *message.more)]
                )
                self.received += (message, *message.more)
                self._arrived.set()
        except grpc.aio.AioRpcError as error:
            self.error = error
        except asyncio.CancelledError:
            pass
        self.ended = True
        self._arrived.set()


def observation_batch(ref: v1.AttemptRef, first_row: int, *values: float) -> v1.ObservationBatch:
    return v1.ObservationBatch(
        attempt=ref,
        first_row=first_row,
        last_row=first_row + len(values) - 1,
        observations=[
            v1.Observation(row=first_row + n, key=0, value=value) for n, value in enumerate(values)
        ],
    )


def point_batch(first_row: int, *values: float, key: str = "loss") -> v1.PointBatch:
    count = len(values)
    return v1.PointBatch(
        steps=range(first_row, first_row + count),
        times=[0.0] * count,
        keys=[key],
        columns=[v1.Column(key=0, doubles=v1.DoubleValues(values=values))],
    )
