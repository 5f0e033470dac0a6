"""All that is handed on to the metric store for agents: one stream a kind, so that none waits for another."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import grpc.aio

from sweepd import v1
from sweepd.rpc.channel import Entries
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.clock import Clock
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.lines import Lines
from sweepd_scheduler.relay import Answer, Relay

POINTS_UNDER_WAY = 24 * 1024 * 1024
LOGS_UNDER_WAY = 8 * 1024 * 1024
FILES_UNDER_WAY = 8 * 1024 * 1024
SYSTEM_UNDER_WAY = 4 * 1024 * 1024

Q = TypeVar("Q")
A = TypeVar("A", v1.AppendPointsResponse, v1.AppendLogResponse, v1.AppendFilesResponse)

Points: TypeAlias = Relay[v1.AppendPointsRequest, v1.AppendPointsResponse]
Logs: TypeAlias = Relay[v1.AppendLogRequest, v1.AppendLogResponse]
Files: TypeAlias = Relay[v1.AppendFilesRequest, v1.AppendFilesResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relays:
    """The relays by kind; `system` are the samples of agents."""

    points: Points
    logs: Logs
    files: Files
    system: Points

    def tasks(self) -> list[asyncio.Task[None]]:
        """Begin to hand on."""
        loop = asyncio.get_running_loop()
        return [loop.create_task(relay.run()) for relay in self._all()]

    def forget(self, session: str) -> None:
        """Acknowledge nothing more to a session that is gone."""
        for relay in self._all():
            relay.forget(session)

    def _all(self) -> tuple[Points, Logs, Files, Points]:
        return self.points, self.logs, self.files, self.system


def relays_to(
    channel: grpc.aio.Channel, metadata: Entries, lines: Lines, clock: Clock, log: logging.Logger
) -> Relays:
    """Make the relays to a metric store; what it has stored is told to the agents on their lines."""
    stub = MetricServiceStub(channel)

    def relay(
        what: str,
        method: "grpc.aio.StreamStreamMultiCallable[Q, A]",
        cursor: Callable[[A], int],
        tell: Callable[[str, AttemptRef, int], None],
        limit: int,
    ) -> Relay[Q, A]:
        def read(answer: A) -> Answer:
            return Answer(cursor=cursor(answer), rejection=answer.rejection, refused=answer.refused)

        return Relay(what, lambda: method(metadata=metadata), read, tell, limit=limit, clock=clock, log=log)

    return Relays(
        points=relay(
            "points",
            stub.AppendPoints,
            lambda answer: answer.row,
            lambda session, ref, row: lines.acknowledge(session, ref, row=row),
            POINTS_UNDER_WAY,
        ),
        logs=relay(
            "logs",
            stub.AppendLog,
            lambda answer: answer.offset,
            lambda session, ref, offset: lines.acknowledge(session, ref, offset=offset),
            LOGS_UNDER_WAY,
        ),
        files=relay(
            "files",
            stub.AppendFiles,
            lambda answer: answer.number,
            lambda session, ref, number: lines.acknowledge(session, ref, file=number),
            FILES_UNDER_WAY,
        ),
        system=relay(
            "samples",
            stub.AppendPoints,
            lambda answer: answer.row,
            lambda session, ref, row: lines.acknowledge(session, ref, system_row=row),
            SYSTEM_UNDER_WAY,
        ),
    )
