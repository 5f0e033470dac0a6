"""Durability: acknowledged data is stored exactly once, despite killed processes and full disks."""

from __future__ import annotations

import asyncio
import math
import resource
import signal
import sqlite3
from contextlib import suppress
from pathlib import Path

import grpc
import grpc.aio
import pytest

from component.metric_store import messages
from component.metric_store.processes import StoreProcess, stub
from sweepd import v1
from sweepd.rpc.failure import Failure
from waiting import until_async

WRITERS = 8
ROWS = 5


class Sender:
    """Sender of one attempt: it sends unacknowledged rows again, as an agent does."""

    def __init__(self, store: StoreProcess, number: int) -> None:
        self._store = store
        self._number = number
        self.acknowledged = 0

    async def send_until(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            with suppress(grpc.aio.AioRpcError):
                async with stub(self._store.address) as service:
                    await self._stream(service.Append(), ended)

    async def _stream(
        self,
        call: grpc.aio.StreamStreamCall[v1.AppendRequest, v1.AppendResponse],
        ended: asyncio.Event,
    ) -> None:
        async def send() -> None:
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                row = self.acknowledged + 1
                while not ended.is_set():
                    values = [value_of(self._number, at) for at in range(row, row + ROWS)]
                    await call.write(messages.points(row, values, number=self._number))
                    row += ROWS
                    await asyncio.sleep(0.002)
                await call.done_writing()

        sending = asyncio.create_task(send())
        try:
            async for answer in call:
                self.acknowledged = max(self.acknowledged, answer.cursor)
        finally:
            await sending


def value_of(number: int, row: int) -> float:
    return math.nan if row % 97 == 0 else number * 1e6 + row


async def history(address: str) -> dict[tuple[str, int, str, int], float]:
    found: list[v1.Series] = []
    request = v1.GetHistoryRequest(sweep=messages.SWEEP, all_attempts=True)
    async with stub(address) as service:
        while True:
            page = await service.GetHistory(request)
            found.extend(page.series)
            request.page_token = page.next_page_token
            if not request.page_token:
                return messages.values(found)


def is_intact(store: StoreProcess) -> bool:
    connection = sqlite3.connect(store.database)
    try:
        return bool(connection.execute("pragma integrity_check").fetchall() == [("ok",)])
    finally:
        connection.close()


def test_acknowledged_points_survive_kill_9_under_load_and_are_stored_once(
    metric_store: StoreProcess,
) -> None:
    senders = [Sender(metric_store, number) for number in range(1, WRITERS + 1)]

    async def load() -> None:
        async def proceeds(by: int) -> None:
            before = sum(sender.acknowledged for sender in senders)

            async def acknowledged() -> bool:
                return sum(sender.acknowledged for sender in senders) >= before + by

            await until_async(acknowledged)

        ended = asyncio.Event()
        sending = [asyncio.create_task(sender.send_until(ended)) for sender in senders]
        for _ in range(3):
            await proceeds(400)
            metric_store.end(signal.SIGKILL)
            assert is_intact(metric_store)
            await asyncio.to_thread(metric_store.start)
        await proceeds(50)
        ended.set()
        await asyncio.gather(*sending)

    asyncio.run(load())
    metric_store.end(signal.SIGKILL)
    metric_store.start()
    found = asyncio.run(history(metric_store.address))
    for number, sender in enumerate(senders, start=1):
        rows = [row for (run, _, _, row) in found if run == messages.run(number)]
        assert sender.acknowledged > 0
        assert sorted(rows) == list(range(1, len(rows) + 1))
        assert len(rows) >= sender.acknowledged
    for (run, _, _, row), value in found.items():
        assert repr(value) == repr(value_of(int(run.rpartition("-")[2]), row))
    assert metric_store.end() == 0
    assert is_intact(metric_store)


def test_a_full_disk_is_reported_and_reads_continue_and_writes_succeed_afterwards(
    metric_store: StoreProcess,
) -> None:
    async def tries() -> None:
        async with stub(metric_store.address) as service:

            async def append(first: int, count: int) -> int:
                call = service.Append(iter([messages.points(first, [1.0] * count)]))
                answer = await call.read()
                assert isinstance(answer, v1.AppendResponse), await refused(call)
                return answer.cursor

            assert await append(1, 100) == 100
            _, hard = resource.prlimit(metric_store.pid, resource.RLIMIT_FSIZE)
            # Like a full disk: no file may grow.
            resource.prlimit(metric_store.pid, resource.RLIMIT_FSIZE, (4_096, hard))
            call = service.Append(iter([messages.points(101, [1.0] * 500)]))
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await call.read()
            failure = Failure.of(refusal.value)
            assert failure.code in {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}
            assert failure.reason == "storage-unavailable"
            assert failure.metadata["service"] == "metric-store"
            assert failure.metadata["place"] == str(metric_store.database)
            page = await service.GetHistory(v1.GetHistoryRequest(sweep=messages.SWEEP))
            assert len(messages.values(page.series)) == 100
            resource.prlimit(metric_store.pid, resource.RLIMIT_FSIZE, (hard, hard))
            assert await append(101, 500) == 600
            page = await service.GetHistory(v1.GetHistoryRequest(sweep=messages.SWEEP))
            assert len(messages.values(page.series)) == 600

    asyncio.run(tries())
    assert metric_store.end() == 0
    assert is_intact(metric_store)


async def refused(call: grpc.aio.StreamStreamCall[v1.AppendRequest, v1.AppendResponse]) -> str:
    return f"{await call.code()} {await call.details()}"


def test_sigterm_ends_open_streams_at_once_and_exits_0(metric_store: StoreProcess) -> None:
    async def hold() -> tuple[int, float, set[grpc.StatusCode]]:
        async with stub(metric_store.address) as service:
            appending = service.Append()
            await appending.write(messages.points(1, [1.0]))
            assert isinstance(await appending.read(), v1.AppendResponse)
            watching = service.WatchHistory(v1.WatchHistoryRequest(sweep=messages.SWEEP))
            assert isinstance(await watching.read(), v1.WatchHistoryResponse)
            await service.Append(iter([messages.log(0, b"line\n")])).read()
            following = service.ReadLog(v1.ReadLogRequest(run=messages.run(), follow=True))
            assert isinstance(await following.read(), v1.ReadLogResponse)
            loop = asyncio.get_running_loop()
            began = loop.time()
            code = await asyncio.to_thread(metric_store.end)
            took = loop.time() - began
            return code, took, {await call.code() for call in (appending, watching, following)}

    code, took, codes = asyncio.run(hold())
    assert code == 0
    assert took < 3
    assert codes == {grpc.StatusCode.UNAVAILABLE}


def test_database_files_are_readable_only_by_the_account_even_in_a_public_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    store = StoreProcess(tmp_path)

    async def append() -> None:
        async with stub(store.address) as service:
            await service.Append(iter([messages.points(1, [1.0])])).read()

    try:
        store.start()
        asyncio.run(append())
        found = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()}
        assert {"metrics.sqlite", "metrics.sqlite-wal"} <= set(found)
        assert set(found.values()) == {0}, found
    finally:
        store.end_all()
