"""Start on a database with an unreadable page: the rest is readable, and points are refused."""

from __future__ import annotations

import asyncio

from component.metric_store import messages
from component.metric_store.processes import StoreProcess, stub
from conformance.metric_store.damage import stored, zero_page_of
from sweepd import v1


def test_a_store_with_a_damaged_page_starts_and_reads_the_rest_and_refuses_points(
    metric_store: StoreProcess,
) -> None:
    values = [float(row) for row in range(1, 41)]

    async def append(*batches: v1.AppendRequest) -> list[v1.AppendResponse]:
        async with stub(metric_store.address) as service:
            return [answer async for answer in service.Append(iter(batches))]

    async def history(number: int) -> v1.GetHistoryResponse:
        async with stub(metric_store.address) as service:
            request = v1.GetHistoryRequest(runs=[messages.run(number)], skip_damaged=True)
            return await service.GetHistory(request)

    for number in range(1, 13):
        asyncio.run(append(messages.points(1, values, number=number)))
    assert metric_store.end() == 0
    checksum = stored(
        metric_store.database, "select cast(checksum as blob) from chunk order by rowid desc limit 1"
    )
    zero_page_of(metric_store.database, int(checksum).to_bytes(4, "big"))

    metric_store.start()
    assert "is damaged: some of its pages cannot be read" in (metric_store.folder / "log").read_text()
    assert len(messages.values(asyncio.run(history(1)).series)) == 40
    newest = asyncio.run(history(12))
    assert not newest.series
    assert [each.key for each in newest.damaged] == ["loss"]
    (answer,) = asyncio.run(append(messages.points(41, [1.0])))
    assert answer.refused
    assert "is damaged" in answer.rejection
