"""Simplest durable metric server, for comparison: a row per point, one writer, answers after commits."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
from google.protobuf.message import Message

from sweepd import v1

Row = tuple[str, int, str, int, int, float, float]
Waiting = tuple[list[Row], "asyncio.Future[None]"]


class Floor:
    """Metric service that stores and returns floats, without cursors, summaries and limits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, daemon=True).start()

    def _write(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("create table point (run, attempt, key, row, step, time, value)")
        connection.execute("create unique index point_name on point (run, attempt, key, row)")
        while True:
            taken = [self._queue.get()]
            while not self._queue.empty():
                taken.append(self._queue.get())
            connection.execute("begin immediate")
            rows = [row for rows, _ in taken for row in rows]
            connection.executemany("insert or ignore into point values (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("commit")
            self._loop.call_soon_threadsafe(_answer, [answer for _, answer in taken])

    async def append(
        self, requests: AsyncIterator[v1.AppendRequest], _context: object
    ) -> AsyncIterator[v1.AppendResponse]:
        """Store each point as a row; acknowledge a request once its rows are committed."""
        under_way: asyncio.Queue[tuple[v1.AppendRequest, asyncio.Future[None]] | None] = asyncio.Queue(64)

        async def read() -> None:
            async for request in requests:
                answer: asyncio.Future[None] = self._loop.create_future()
                self._queue.put((rows_of(request), answer))
                await under_way.put((request, answer))
            await under_way.put(None)

        reading = asyncio.create_task(read())
        while (item := await under_way.get()) is not None:
            request, answer = item
            await answer
            yield v1.AppendResponse(
                run=request.run, attempt=request.attempt, lane=request.lane, cursor=request.end
            )
        await reading

    async def get_history(self, request: v1.GetHistoryRequest, _context: object) -> v1.GetHistoryResponse:
        """Return all rows of one key of one run."""
        connection = sqlite3.connect(self._path)
        found = connection.execute(
            "select row, step, time, value from point where run = ? and attempt = 1 and key = ? order by row",
            (request.runs[0], request.keys[0]),
        ).fetchall()
        connection.close()
        chunk = v1.SeriesChunk()
        for row, step, time, value in found:
            chunk.rows.append(row)
            chunk.steps.append(step)
            chunk.times.append(time)
            chunk.doubles.values.append(value)
        series = v1.Series(run=request.runs[0], attempt=1, key=request.keys[0], chunks=[chunk])
        return v1.GetHistoryResponse(series=[series])


def encoded(message: Message) -> bytes:
    """Return a message as bytes."""
    return message.SerializeToString()


def _answer(answers: list[asyncio.Future[None]]) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_result(None)


def rows_of(request: v1.AppendRequest) -> list[Row]:
    """Return the points of a batch in which every column has a value in every row."""
    batch = v1.PointBatch.FromString(request.body)
    return [
        (
            request.run,
            request.attempt,
            batch.keys[column.key],
            request.start + 1 + at,
            batch.steps[at],
            batch.times[at],
            value,
        )
        for column in batch.columns
        for at, value in enumerate(column.doubles.values)
    ]


async def serve(path: Path) -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    floor = Floor(path)
    handlers = grpc.method_handlers_generic_handler(
        "sweepd.v1.MetricService",
        {
            "Append": grpc.stream_stream_rpc_method_handler(
                floor.append, v1.AppendRequest.FromString, encoded
            ),
            "GetHistory": grpc.unary_unary_rpc_method_handler(
                floor.get_history, v1.GetHistoryRequest.FromString, encoded
            ),
        },
    )
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"ready grpc=127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
