"""All that is handed on to the metric store for agents: one stream a kind, so that none waits for another."""

import asyncio
import logging
from dataclasses import dataclass
from typing import TypeAlias

import grpc.aio

from sweepd import v1
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.clock import Clock
from sweepd_scheduler.lines import Lines
from sweepd_scheduler.relay import Answer, Relay

POINTS_UNDER_WAY = 24 * 1024 * 1024
LOGS_UNDER_WAY = 8 * 1024 * 1024
FILES_UNDER_WAY = 8 * 1024 * 1024
SYSTEM_UNDER_WAY = 4 * 1024 * 1024

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
        each = (self.points.run(), self.logs.run(), self.files.run(), self.system.run())
        return [asyncio.get_running_loop().create_task(work) for work in each]

    def forget(self, session: str) -> None:
        """Acknowledge nothing more to a session that is gone."""
        self.points.forget(session)
        self.logs.forget(session)
        self.files.forget(session)
        self.system.forget(session)


def relays_to(channel: grpc.aio.Channel, lines: Lines, clock: Clock, log: logging.Logger) -> Relays:
    """Make the relays to a metric store; what it has stored is told to the agents on their lines."""
    stub = MetricServiceStub(channel)
    return Relays(
        points=Relay(
            "points",
            stub.AppendPoints,
            lambda answer: Answer(cursor=answer.row, rejection=answer.rejection),
            lambda session, ref, row: lines.acknowledge(session, ref, row=row),
            limit=POINTS_UNDER_WAY,
            clock=clock,
            log=log,
        ),
        logs=Relay(
            "logs",
            stub.AppendLog,
            lambda answer: Answer(cursor=answer.offset),
            lambda session, ref, offset: lines.acknowledge(session, ref, offset=offset),
            limit=LOGS_UNDER_WAY,
            clock=clock,
            log=log,
        ),
        files=Relay(
            "files",
            stub.AppendFiles,
            lambda answer: Answer(cursor=answer.number, rejection=answer.rejection),
            lambda session, ref, number: lines.acknowledge(session, ref, file=number),
            limit=FILES_UNDER_WAY,
            clock=clock,
            log=log,
        ),
        system=Relay(
            "samples",
            stub.AppendPoints,
            lambda answer: Answer(cursor=answer.row, rejection=answer.rejection),
            lambda session, ref, row: lines.acknowledge(session, ref, system_row=row),
            limit=SYSTEM_UNDER_WAY,
            clock=clock,
            log=log,
        ),
    )
