"""Agents that only send and receive the messages of the stream, without processes, folders or scripts."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import grpc.aio

from sweepd import v1
from sweepd.agent_identity import agent_id
from sweepd.rpc.bidi_call import batched
from sweepd.rpc.channel import call_metadata, open_channel
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.server_service_pb2_grpc import ServerServiceStub


@dataclass(slots=True, kw_only=True)
class Tally:
    """Runs, points and hand-out latencies of all agents in one measurement."""

    runs: int = 0
    points: int = 0
    latencies: list[float] = field(default_factory=list)


async def attach_address(address: str, token: str) -> str:
    """Return the address to which agents on this host attach."""
    async with open_channel(address, token) as channel:
        answer = await ServerServiceStub(channel).GetServerInfo(v1.GetServerInfoRequest())
    return answer.local_attach_address or address


class ProtocolAgent:
    """Agent with one slot whose runs log one value and end, or log values until they are stopped."""

    def __init__(self, channel: grpc.aio.Channel, token: str, sweep: str, name: str, tally: Tally) -> None:
        self._stub = AgentServiceStub(channel)
        self._metadata = call_metadata(token)
        self._sweep = sweep
        self._name = name
        self._secret = hashlib.sha256(name.encode()).digest()
        self._tally = tally
        self._outgoing: asyncio.Queue[v1.AttachRequest] = asyncio.Queue()
        self._ended_at = 0.0

    async def hand_outs(self) -> None:
        """Run one attempt after another until the sweep has ended."""
        await self._run_stream(self._finish_at_once)

    async def single_points(self) -> None:
        """Log rows in one run; send each row after the acknowledgement of the previous one."""
        await self._run_stream(self._log_first_row, self._log_next_row)

    async def _run_stream(
        self,
        on_start: Callable[[v1.StartRun], None],
        on_ack: Callable[[v1.Ack], None] | None = None,
    ) -> None:
        self._send(hello=self._hello())
        call = self._stub.Attach(self._requests(), metadata=self._metadata)
        async for message in call:
            for answer in (message, *message.more):
                match answer.WhichOneof("command"):
                    case "welcome":
                        self._send(offer=v1.Offer(wanted=1))
                    case "start_run":
                        on_start(answer.start_run)
                    case "ack" if on_ack is not None:
                        on_ack(answer.ack)
                    case "ack" if answer.ack.exited:
                        self._tally.runs += 1
                    case "sweep_ended":
                        return

    async def _requests(self) -> AsyncIterator[v1.AttachRequest]:
        """Yield messages; each contains all queued reports, like those of the real agent."""
        while True:
            yield batched(await self._outgoing.get(), self._next)

    def _next(self) -> v1.AttachRequest | None:
        return None if self._outgoing.empty() else self._outgoing.get_nowait()

    def _send(self, **report: object) -> None:
        self._outgoing.put_nowait(v1.AttachRequest(**report))  # type: ignore[arg-type]  # the oneof's fields by name

    def _hello(self) -> v1.Hello:
        return v1.Hello(
            agent_id=agent_id(self._secret),
            agent_secret=self._secret,
            instance=self._name,
            pid=1,
            host="bench",
            host_boot_id="bench",
            version="0",
            protocol_version=1,
            slots=1,
            sweeps=[self._sweep],
        )

    def _finish_at_once(self, start: v1.StartRun) -> None:
        now = time.perf_counter()
        if self._ended_at:
            self._tally.latencies.append(now - self._ended_at)
        attempt = v1.AttemptRef(run_handle=start.run_handle, attempt=start.attempt)
        self._send(command_result=v1.CommandResult(command_id=start.command_id))
        self._send(run_started=v1.RunStarted(attempt=attempt, pid=1))
        self._send(observations=_one_row(attempt, 1, 0.5))
        self._send(offer=v1.Offer(wanted=1))
        self._send(
            run_exited=v1.RunExited(
                attempt=attempt,
                last_row=1,
                exit=v1.Exit(cause=v1.EXIT_CAUSE_EXITED, code=0),
                logged_keys=["loss"],
            )
        )
        self._ended_at = now

    def _log_first_row(self, start: v1.StartRun) -> None:
        self._attempt = v1.AttemptRef(run_handle=start.run_handle, attempt=start.attempt)
        self._row = 1
        self._send(command_result=v1.CommandResult(command_id=start.command_id))
        self._send(run_started=v1.RunStarted(attempt=self._attempt, pid=1))
        self._send(observations=_one_row(self._attempt, 1, 0.5))

    def _log_next_row(self, ack: v1.Ack) -> None:
        row = next((each.cursor for each in ack.cursors if each.lane == v1.LANE_OBSERVATIONS), None)
        if row == self._row:
            self._tally.points += 1
            self._row += 1
            self._send(observations=_one_row(self._attempt, self._row, 1.0 / self._row))


def _one_row(attempt: v1.AttemptRef, row: int, value: float) -> v1.ObservationBatch:
    observation = v1.Observation(row=row, key=0, step=row, value=value)
    return v1.ObservationBatch(attempt=attempt, first_row=row, last_row=row, observations=[observation])
