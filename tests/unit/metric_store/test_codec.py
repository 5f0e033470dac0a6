"""Fields of messages that an agent may fill with anything."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd_metric_store import codec
from sweepd_metric_store.ports import FileArrived, StoredFile


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (Timestamp(seconds=1_700_000_000, nanos=500_000_000), "2023-11-14T22:13:20.500Z"),
        (Timestamp(seconds=253_402_300_800), "1970-01-01T00:00:00Z"),
        (Timestamp(seconds=253_402_300_799, nanos=999_999_999), "1970-01-01T00:00:00Z"),
        (Timestamp(seconds=253_402_300_799, nanos=2**31 - 1), "1970-01-01T00:00:00Z"),
        (Timestamp(seconds=0, nanos=-(2**31)), "1970-01-01T00:00:00Z"),
        (Timestamp(seconds=-1), "1970-01-01T00:00:00Z"),
        (Timestamp(seconds=2**62), "1970-01-01T00:00:00Z"),
    ],
)
def test_a_time_outside_the_range_of_timestamps_is_absent(time: Timestamp, shown: str) -> None:
    piece = v1.FilePiece(name="model.pt", modify_time=time)
    request = v1.AppendRequest(
        sweep="a/b/c", run="a/b/c-1", attempt=1, lane=v1.LANE_FILES, end=1, body=piece.SerializeToString()
    )
    arrival = codec.arrival(request)
    assert isinstance(arrival, FileArrived)
    file = StoredFile(
        name=arrival.file, attempt=1, size=0, time=arrival.time, digest=b"", left_out=arrival.left_out
    )
    assert codec.file_message(file).modify_time.ToJsonString() == shown
