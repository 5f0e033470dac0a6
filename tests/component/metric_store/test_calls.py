"""Rpcs of the metric service, on a real process."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator

import grpc
import grpc.aio
import pytest

from component.metric_store import messages
from component.metric_store.processes import StoreProcess, stub
from lanes import batch_of
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_metric_store.following import PAUSE_SECONDS
from token_channel import token_channel


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    store = StoreProcess(tmp_path_factory.mktemp("store"))
    store.start()
    yield store
    store.end_all()


@pytest.fixture
def metric_store(running: StoreProcess, monkeypatch: pytest.MonkeyPatch) -> StoreProcess:
    """Return the process that all of these tests share; each test has its own sweep."""
    monkeypatch.setattr(messages, "SWEEP", f"local/digits/{uuid.uuid4().hex[:8]}")
    return running


async def appended(address: str, *pieces: v1.AppendRequest) -> list[v1.AppendResponse]:
    async with stub(address) as service:
        return [answer async for answer in service.Append(iter(pieces))]


async def read_log(address: str, request: v1.ReadLogRequest) -> bytes:
    async with stub(address) as service:
        return b"".join([part.content async for part in service.ReadLog(request)])


def test_many_batches_in_flight_are_answered_in_order(metric_store: StoreProcess) -> None:
    batches = [messages.points(1 + 10 * at, [float(at)] * 10) for at in range(500)]
    answers = asyncio.run(appended(metric_store.address, *batches))
    assert [answer.cursor for answer in answers] == [10 * (at + 1) for at in range(500)]
    assert {(answer.run, answer.attempt, answer.rejection) for answer in answers} == {(messages.run(), 1, "")}


def test_a_malformed_batch_is_answered_with_its_rejection_and_the_stream_continues(
    metric_store: StoreProcess,
) -> None:
    bad = messages.points(1, [1.0, 2.0])
    batch = batch_of(bad)
    del batch.times[1:]
    bad.body = batch.SerializeToString()
    long_key = messages.points(3, [3.0], key="k" * 300)
    unreadable = messages.points(4, [4.0])
    unreadable.body = b"\xff"
    pieces = (bad, long_key, unreadable, messages.points(5, [5.0]))
    answers = asyncio.run(appended(metric_store.address, *pieces))
    assert [answer.cursor for answer in answers] == [2, 3, 4, 5]
    assert [bool(answer.rejection) for answer in answers] == [True, True, True, False]


def test_pieces_of_several_lanes_on_one_stream_are_answered_by_lane(metric_store: StoreProcess) -> None:
    samples = messages.points(1, [1.0, 2.0], key="system.cpu")
    samples.lane = v1.LANE_SAMPLES
    pieces = (messages.points(1, [1.0]), messages.log(0, b"line\n"), samples)
    answers = asyncio.run(appended(metric_store.address, *pieces))
    assert [(answer.run, answer.lane, answer.cursor) for answer in answers] == [
        (messages.run(), v1.LANE_POINTS, 1),
        (messages.run(), v1.LANE_LOG, 5),
        (messages.run(), v1.LANE_SAMPLES, 2),
    ]


def test_a_lane_of_the_scheduler_ends_the_stream(metric_store: StoreProcess) -> None:
    async def refusal() -> tuple[str, str]:
        unsupported = messages.points(1, [1.0])
        unsupported.lane = v1.LANE_DETAILS
        async with stub(metric_store.address) as service:
            found = await failure(service.Append(iter([unsupported])).read())
            return found.code, found.violations[0][0]

    assert asyncio.run(refusal()) == ("INVALID_ARGUMENT", "lane")


def test_histories_have_pages_of_at_most_3_mib(metric_store: StoreProcess) -> None:
    batches = [
        messages.points(1 + 5_000 * at, [float(row) for row in range(5_000)], number=number)
        for at in range(10)
        for number in range(1, 6)
    ]
    asyncio.run(appended(metric_store.address, *batches))

    async def pages() -> AsyncIterator[v1.GetHistoryResponse]:
        request = v1.GetHistoryRequest(sweep=messages.SWEEP)
        async with stub(metric_store.address) as service:
            while True:
                page = await service.GetHistory(request)
                yield page
                request.page_token = page.next_page_token
                if not request.page_token:
                    return

    async def read() -> list[v1.GetHistoryResponse]:
        return [page async for page in pages()]

    found = asyncio.run(read())
    assert len(found) == 2
    assert all(page.ByteSize() <= 3 * 1024 * 1024 for page in found)
    assert len(messages.values(series for page in found for series in page.series)) == 250_000


def test_a_run_can_be_named_by_its_number_and_its_history_thinned(
    metric_store: StoreProcess,
) -> None:
    asyncio.run(appended(metric_store.address, messages.points(1, [float(at) for at in range(2_000)])))

    async def read() -> v1.GetHistoryResponse:
        request = v1.GetHistoryRequest(runs=[f"{messages.SWEEP}:1"], keys=["loss"], max_points=50)
        async with stub(metric_store.address) as service:
            return await service.GetHistory(request)

    found = messages.values(asyncio.run(read()).series)
    assert 25 <= len(found) <= 52
    assert {0.0, 1_999.0} <= set(found.values())


def test_summaries_are_listed_by_page(metric_store: StoreProcess) -> None:
    asyncio.run(appended(metric_store.address, *(messages.points(1, [2.0, 1.0], number=at) for at in (1, 2))))

    async def read() -> list[v1.KeySummary]:
        request = v1.ListSummariesRequest(sweep=messages.SWEEP, page_size=1)
        async with stub(metric_store.address) as service:
            first = await service.ListSummaries(request)
            request.page_token = first.next_page_token
            second = await service.ListSummaries(request)
            assert not second.next_page_token
            return [*first.summaries, *second.summaries]

    found = asyncio.run(read())
    assert [(each.run, each.key, each.count, each.min, each.last.double_value) for each in found] == [
        (messages.run(number), "loss", 2, 1.0, 1.0) for number in (1, 2)
    ]


def test_a_watch_returns_stored_and_then_new_points_each_once(metric_store: StoreProcess) -> None:
    async def watch() -> tuple[list[v1.WatchHistoryResponse], float]:
        loop = asyncio.get_running_loop()
        async with stub(metric_store.address) as service:
            writing = service.Append()
            await writing.write(messages.points(1, [0.0] * 300))
            await writing.read()
            began = loop.time()
            watching = service.WatchHistory(v1.WatchHistoryRequest(sweep=messages.SWEEP, keys=["loss"]))
            first = await watching.read()
            assert isinstance(first, v1.WatchHistoryResponse)
            found = [first]
            for row in range(301, 501):
                await writing.write(messages.points(row, [1.0]))
                await writing.write(messages.points(row - 300, [2.0], number=2))
                await writing.read()
                await writing.read()
                await asyncio.sleep(0.002)
            while len(messages.values(series for each in found for series in each.series)) < 700:
                message = await asyncio.wait_for(watching.read(), 5)
                assert isinstance(message, v1.WatchHistoryResponse)
                found.append(message)
            watching.cancel()
            return found, loop.time() - began

    found, seconds = asyncio.run(watch())
    series = [series for each in found for series in each.series]
    for number, count in ((1, 500), (2, 200)):
        rows = [
            row for each in series if each.run == messages.run(number) for c in each.chunks for row in c.rows
        ]
        assert rows == list(range(1, count + 1))
    assert len(found) <= 2 + seconds / PAUSE_SECONDS, "points that arrive together are sent together"


def test_an_export_has_every_attempt_in_order(metric_store: StoreProcess) -> None:
    batches = [
        messages.points(1, [1.0] * 700, key=key, number=number, attempt=attempt)
        for number in (1, 2)
        for attempt in (1, 2)
        for key in ("b",)
    ]
    asyncio.run(appended(metric_store.address, *batches))

    async def export() -> list[v1.ExportPointsResponse]:
        request = v1.ExportPointsRequest(sweep=messages.SWEEP)
        async with stub(metric_store.address) as service:
            return [part async for part in service.ExportPoints(request)]

    parts = asyncio.run(export())
    assert all(part.ByteSize() <= 1024 * 1024 for part in parts)
    found = messages.values(series for part in parts for series in part.series)
    assert len(found) == 2_800
    assert list(found) == sorted(found)


def test_a_log_is_read_in_full_from_an_offset_and_by_its_tail(metric_store: StoreProcess) -> None:
    lines = b"".join(b"line %d\n" % at for at in range(20_000))
    pieces = [messages.log(at, lines[at : at + 5_000]) for at in range(0, len(lines), 5_000)]
    answers = asyncio.run(appended(metric_store.address, *pieces))
    assert answers[-1].cursor == len(lines)

    def read(request: v1.ReadLogRequest) -> bytes:
        request.run = messages.run()
        return asyncio.run(read_log(metric_store.address, request))

    assert read(v1.ReadLogRequest()) == lines
    assert read(v1.ReadLogRequest(offset=100_000)) == lines[100_000:]
    assert read(v1.ReadLogRequest(tail_bytes=25)) == b"line 19998\nline 19999\n"
    assert read(v1.ReadLogRequest(tail_bytes=22)) == b"line 19998\nline 19999\n"
    assert read(v1.ReadLogRequest(tail_bytes=100_000_000)) == lines
    assert read(v1.ReadLogRequest(offset=2**64 - 1)) == b""
    assert read(v1.ReadLogRequest(attempt=7)) == b""


def test_a_log_can_be_followed_before_it_exists(metric_store: StoreProcess) -> None:
    async def follow() -> bytes:
        async with stub(metric_store.address) as service:
            following = service.ReadLog(v1.ReadLogRequest(run=messages.run(), follow=True))
            writing = service.Append()
            await asyncio.sleep(0.1)
            found = b""
            for at in range(5):
                await writing.write(messages.log(3 * at, b"ab\n"))
                await writing.read()
                part = await asyncio.wait_for(following.read(), 5)
                assert isinstance(part, v1.ReadLogResponse)
                assert part.offset == len(found)
                found += part.content
            following.cancel()
            return found

    assert asyncio.run(follow()) == b"ab\n" * 5


async def failure(call: Awaitable[object]) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    return Failure.of(refusal.value)


def test_invalid_requests_are_refused_with_the_field(metric_store: StoreProcess) -> None:
    async def refusals() -> list[tuple[str, str]]:
        async with stub(metric_store.address) as service:
            calls: list[Awaitable[object]] = [
                service.GetHistory(v1.GetHistoryRequest()),
                service.GetHistory(v1.GetHistoryRequest(sweep=messages.SWEEP, runs=["x"])),
                service.GetHistory(v1.GetHistoryRequest(runs=[str(at) for at in range(1_001)])),
                service.GetHistory(v1.GetHistoryRequest(sweep=messages.SWEEP, page_token="x")),
                service.ListSummaries(v1.ListSummariesRequest()),
                service.ListSummaries(v1.ListSummariesRequest(sweep=messages.SWEEP, page_token="x")),
                service.WatchHistory(v1.WatchHistoryRequest()).read(),
                service.ExportPoints(v1.ExportPointsRequest()).read(),
                service.ReadLog(v1.ReadLogRequest()).read(),
            ]
            found = [await failure(call) for call in calls]
            return [(each.code, each.violations[0][0]) for each in found]

    fields = ["runs", "runs", "runs", "page_token", "runs", "page_token", "runs", "sweep", "run"]
    assert asyncio.run(refusals()) == [("INVALID_ARGUMENT", field) for field in fields]


def test_users_may_read_but_not_append(metric_store: StoreProcess) -> None:
    async def tries() -> None:
        async with stub(metric_store.address, principal="owner") as service:
            assert not (await service.GetHistory(v1.GetHistoryRequest(sweep=messages.SWEEP))).series
            refused = await failure(service.Append(iter([])).read())
            assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "not-allowed")

    asyncio.run(tries())


def test_reads_without_the_service_token_are_refused(metric_store: StoreProcess) -> None:
    async def tries() -> None:
        async with token_channel(metric_store.address, "guess") as channel:
            refused = await failure(MetricServiceStub(channel).GetHistory(v1.GetHistoryRequest()))
            assert refused.code == "UNAUTHENTICATED"

    asyncio.run(tries())
