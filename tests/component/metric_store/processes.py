"""Metric stores as real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio

from sweepd import v1
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.auth.principal import Principal
from sweepd_kernel.auth.principal_codec import PRINCIPAL_KEY, encode_principal
from token_channel import token_channel

if TYPE_CHECKING:
    from sweepd.v1.metric_service_pb2_grpc import MetricServiceAsyncStub

TOKEN = "the service token of the tests"
READY = "ready grpc="
SCHEDULER = v1.DatabaseState(id="5" * 32, place="/other/scheduler.sqlite")
"""Database of the scheduler that the tests imitate."""


@dataclass(slots=True)
class StoreProcess:
    """Metric store with its own data folder; it can be killed and restarted."""

    folder: Path
    address: str = ""
    process: subprocess.Popen[str] | None = None
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    is_paired: bool = True

    @property
    def database(self) -> Path:
        return self.folder / "data" / "metrics.sqlite"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start the process at its previous port, and wait until it serves."""
        token = self.folder / "token"
        if not token.exists():
            token.write_text(TOKEN)
            token.chmod(0o600)
        command = [sys.executable, "-m", "sweepd_kernel.main", "metric-store", "--listen", "127.0.0.1:0"]
        command += ["--data", str(self.folder / "data"), "--service-token-file", str(token)]
        environment = {**os.environ, "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.started.append(self.process)
        assert self.process.stdout is not None
        watchdog = threading.Timer(20, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        assert READY in line, (line, (self.folder / "log").read_text())
        self.address = line.partition(READY)[2].strip()
        if self.is_paired:
            self.pair(SCHEDULER)

    def pair(self, scheduler: v1.DatabaseState, *, stopping: bool = False) -> v1.DatabaseState:
        """Pair it with the database of a scheduler; return the state of its own database."""

        async def call() -> v1.DatabaseState:
            async with stub(self.address) as service:
                request = v1.PairDatabasesRequest(scheduler=scheduler, stopping=stopping)
                return (await service.PairDatabases(request, timeout=10)).metrics

        return asyncio.run(call())

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(15)

    def end_all(self) -> None:
        """Kill all processes."""
        for process in self.started:
            process.kill()
            process.wait(15)
            if process.stdout is not None:
                process.stdout.close()


@asynccontextmanager
async def stub(address: str, *, principal: str = "") -> AsyncIterator[MetricServiceAsyncStub]:
    """Connect as a service, or as a service that vouches for a principal."""
    principal_header = encode_principal(Principal(principal, "person"))
    metadata = [(PRINCIPAL_KEY, principal_header)] if principal else []
    channel: grpc.aio.Channel = token_channel(address, TOKEN, *metadata)
    async with channel:
        yield MetricServiceStub(channel)
