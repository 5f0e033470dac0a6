"""Rate of points written to and read from the metric store, beside the simplest durable server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.server import cpu_seconds
from sweepd import v1
from sweepd.rpc.channel import call_metadata, open_channel
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub

if TYPE_CHECKING:
    from sweepd.v1.metric_service_pb2_grpc import MetricServiceAsyncStub

WRITERS = 8
ROWS, KEYS = 100, 5
"""Rows and keys of a batch: 500 points, the most that an agent sends at once."""
IN_FLIGHT = 8
HISTORY_POINTS = 100_000
TOKEN = "benchmark-" + "0" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server under measurement."""

    address: str
    database: Path
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Results of one server."""

    single: float
    """Acknowledged points per second, with one point per message and `WRITERS` writers."""
    batched: float
    """Acknowledged points per second, in batches."""
    batched_cpu: float
    """Server CPU per point in batches, in microseconds."""
    read: float
    """Points per second when a long history is read."""
    size: float
    """Bytes on disk per point."""


def main(seconds: float) -> None:
    """Print the results of both servers and their ratios."""
    with _server("floor") as floor:
        base = asyncio.run(_measured(floor, seconds))
    with _server("metric-store") as store:
        ours = asyncio.run(_measured(store, seconds))
    print(f"{'':34}{'metric store':>14}{'a row a point':>15}{'ratio':>8}")
    for name, mine, theirs in (
        (f"single acknowledged points/s, {WRITERS} writers", ours.single, base.single),
        ("batched points/s", ours.batched, base.batched),
        ("points/s read back", ours.read, base.read),
        ("server CPU us a batched point", ours.batched_cpu, base.batched_cpu),
        ("bytes on disk a point", ours.size, base.size),
    ):
        print(f"{name:44}{mine:>12,.1f}{theirs:>13,.1f}{mine / theirs:>8.2f}")


@contextmanager
def _server(kind: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="sweepd-bench-") as folder:
        home = Path(folder)
        token = home / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        command = [sys.executable, "-m", "benchmarks.metric_floor", str(home / "metrics.sqlite")]
        if kind == "metric-store":
            command = [sys.executable, "-m", "sweepd_kernel.main", kind, "--listen", "127.0.0.1:0"]
            command += ["--data", folder, "--service-token-file", str(token), "--log-level", "error"]
            command += ["--access-token-file", str(token)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            address = process.stdout.readline().partition("grpc=")[2].strip()
            if kind == "metric-store":
                asyncio.run(_paired(address))
            yield Server(address=address, database=home / "metrics.sqlite", pid=process.pid)
        finally:
            process.terminate()
            process.wait(15)


async def _paired(address: str) -> None:
    """Pair the store with a database, as the scheduler does: an unpaired store accepts no points."""
    async with open_channel(address, TOKEN) as channel:
        stub: MetricServiceAsyncStub = MetricServiceStub(channel)
        scheduler = v1.DatabaseState(id="5" * 32, place="scheduler.sqlite")
        await stub.PairDatabases(v1.PairDatabasesRequest(scheduler=scheduler))


async def _measured(server: Server, seconds: float) -> Figures:
    single, _ = await _appended(server, seconds, rows=1, keys=1, in_flight=1, sweep="single")
    before = _size(server)
    batched, cpu = await _appended(
        server, seconds, rows=ROWS, keys=KEYS, in_flight=IN_FLIGHT, sweep="batched"
    )
    size = (_size(server) - before) / batched
    read = await _read_back(server)
    return Figures(
        single=single / seconds,
        batched=batched / seconds,
        batched_cpu=cpu / batched * 1e6,
        read=read,
        size=size,
    )


def _size(server: Server) -> int:
    return server.database.stat().st_size


async def _appended(
    server: Server, seconds: float, *, rows: int, keys: int, in_flight: int, sweep: str
) -> tuple[int, float]:
    """Return the number of acknowledged points, and the CPU seconds of the server."""
    cpu = cpu_seconds([server.pid])
    ends = time.monotonic() + seconds
    counts = await asyncio.gather(
        *(_writer(server.address, ends, rows, keys, in_flight, f"l/{sweep}/s-{n}") for n in range(WRITERS))
    )
    return sum(counts) * rows * keys, cpu_seconds([server.pid]) - cpu


async def _writer(address: str, ends: float, rows: int, keys: int, in_flight: int, run: str) -> int:
    async with open_channel(address, TOKEN) as channel:
        call = MetricServiceStub(channel).Append(metadata=call_metadata(TOKEN))
        sent = acknowledged = 0
        while time.monotonic() < ends:
            while sent - acknowledged < in_flight:
                await call.write(_batch(run, 1 + sent * rows, rows, keys))
                sent += 1
            await call.read()
            acknowledged += 1
        call.cancel()
        return acknowledged


def _batch(run: str, first: int, rows: int, keys: int) -> v1.AppendRequest:
    values = [0.1 * at for at in range(rows)]
    batch = v1.PointBatch(
        steps=range(first, first + rows),
        times=[1.7e9 + at for at in range(rows)],
        keys=[f"metric/{key}" for key in range(keys)],
        columns=[v1.Column(key=key, doubles=v1.DoubleValues(values=values)) for key in range(keys)],
    )
    return v1.AppendRequest(
        run=run,
        sweep="l/b/s",
        attempt=1,
        lane=v1.LANE_POINTS,
        start=first - 1,
        end=first - 1 + rows,
        body=batch.SerializeToString(),
    )


async def _read_back(server: Server) -> float:
    """Return the points per second when one long history is read page by page."""
    run = "l/long/s-1"
    async with open_channel(server.address, TOKEN) as channel:
        service = MetricServiceStub(channel)
        batches = (_batch(run, 1 + at * 1_000, 1_000, 1) for at in range(HISTORY_POINTS // 1_000))
        async for _ in service.Append(iter(batches), metadata=call_metadata(TOKEN)):
            pass
        began = time.monotonic()
        found = await _history(service, run)
        took = time.monotonic() - began
    assert found == HISTORY_POINTS
    return found / took


async def _history(service: MetricServiceAsyncStub, run: str) -> int:
    request = v1.GetHistoryRequest(runs=[run], keys=["metric/0"])
    found = 0
    while True:
        page = await service.GetHistory(request)
        found += sum(len(chunk.rows) for series in page.series for chunk in series.chunks)
        request.page_token = page.next_page_token
        if not request.page_token:
            return found


if __name__ == "__main__":
    main(5.0)
