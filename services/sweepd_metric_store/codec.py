"""Codec between protobuf messages and the types of `ports`."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.durations import seconds_of
from sweepd_kernel.errors import InvalidFieldError
from sweepd_kernel.rpc import page_token
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Batch, Column, RowRange
from sweepd_metric_store.ports import (
    SYSTEM,
    Arrival,
    AttemptName,
    FileArrived,
    HistoryQuery,
    LogArrived,
    LogPart,
    PointsArrived,
    Position,
    Selection,
    Stored,
    StoredFile,
)

M = TypeVar("M", v1.PointBatch, v1.FilePiece)

MAX_PAGE_BYTES = 3 * 1024 * 1024
DEFAULT_PAGE_SIZE = 1_000
MAX_PAGE_SIZE = 10_000
MAX_FILE_PAGE_SIZE = 2_000
"""Maximum page size of file lists; lower, because file names may be long and message size is limited."""
MAX_SIZE = 2**62
"""Limit on sizes and offsets in bytes: larger than any file or log, and fits into a database integer."""
_END_OF_TIME = 253_402_300_800
"""Start of the year 10000 as Unix time; a protobuf timestamp must be earlier."""


def arrival(request: v1.AppendRequest) -> Arrival:
    """Decode a request to append, without validating its content.

    Raises:
        InvalidFieldError: the metric store does not store this lane.
    """
    match request.lane:
        case v1.LANE_POINTS | v1.LANE_SAMPLES:
            return _points(request)
        case v1.LANE_LOG:
            return LogArrived(name=_name(request), offset=request.start, content=request.body)
        case v1.LANE_FILES:
            return _file(request)
        case _:
            raise InvalidFieldError("lane", f"the metric store does not store lane {request.lane}")


def answer(lane: v1.Lane.ValueType, stored: Stored) -> v1.AppendResponse:
    """Encode the outcome of a request to append to `lane`."""
    return v1.AppendResponse(
        run=stored.name.run.removesuffix(SYSTEM),
        attempt=stored.name.attempt,
        lane=lane,
        cursor=stored.cursor,
        rejection=stored.rejection,
        refused=stored.refused,
    )


def _points(request: v1.AppendRequest) -> PointsArrived:
    batch = _body(request, v1.PointBatch)
    return PointsArrived(
        name=_name(request),
        batch=Batch(
            first_row=request.start + 1,
            last_row=request.end,
            steps=batch.steps,
            times=batch.times,
            columns=[_column(column, batch) for column in batch.columns],
            dropped=[RowRange(first=span.first, last=span.last) for span in batch.dropped],
        ),
        resumed_from_step=request.resumed_from_step if request.HasField("resumed_from_step") else None,
    )


def _file(request: v1.AppendRequest) -> FileArrived:
    piece = _body(request, v1.FilePiece)
    return FileArrived(
        name=_name(request),
        number=request.end,
        file=piece.name,
        size=min(piece.size_bytes, MAX_SIZE),
        time=_unix_time(piece.modify_time),
        offset=piece.offset,
        content=piece.content,
        digest=piece.digest,
        left_out=piece.left_out,
    )


def _body(request: v1.AppendRequest, kind: type[M]) -> M:
    """Decode the body of a request; if this fails, return an empty body, which the domain rejects."""
    try:
        return kind.FromString(request.body)
    except DecodeError:
        return kind()


def _name(request: v1.AppendRequest) -> AttemptName:
    system = SYSTEM if request.lane == v1.LANE_SAMPLES else ""
    return AttemptName(sweep=request.sweep + system, run=request.run + system, attempt=request.attempt)


def _unix_time(time: Timestamp) -> float:
    """Return the Unix time, or 0 (no time) if out of range."""
    unix = seconds_of(time)
    return unix if 0 <= unix < _END_OF_TIME else 0.0


def file_message(file: StoredFile) -> v1.RunFile:
    """Encode a file for a list of files."""
    message = v1.RunFile(
        name=file.name, attempt=file.attempt, size_bytes=file.size, digest=file.digest, left_out=file.left_out
    )
    if file.time:
        message.modify_time.FromNanoseconds(int(file.time * 1e9))
    return message


def _column(column: v1.Column, batch: v1.PointBatch) -> Column:
    kind, values = encoding.values(column)
    # An index out of range becomes the empty key, which is rejected like any other illegal name.
    key = batch.keys[column.key] if column.key < len(batch.keys) else ""
    return Column(key=key, kind=kind, offsets=column.row_offsets, values=values)


def log_part(part: LogPart) -> v1.ReadLogResponse:
    """Encode a part of a log."""
    return v1.ReadLogResponse(attempt=part.attempt, offset=part.offset, content=part.content)


SelectionRequest = v1.GetHistoryRequest | v1.ListSummariesRequest | v1.WatchHistoryRequest


def selection(request: SelectionRequest) -> Selection:
    """Decode the selection of points.

    Raises:
        InvalidFieldError: neither runs nor a sweep is named, or both are.
    """
    if bool(request.runs) == bool(request.sweep):
        raise InvalidFieldError("runs", "specify either runs or a sweep")
    end = SYSTEM if not isinstance(request, v1.WatchHistoryRequest) and request.system else ""
    runs = frozenset(run_name(run) + end for run in request.runs)
    sweep = request.sweep + end if request.sweep else ""
    return Selection(runs=runs, sweep=sweep, keys=frozenset(request.keys))


def run_name(name: str) -> str:
    """Return the full name of a run, which may be given as sweep and number: `SWEEP:7`."""
    sweep, colon, number = name.rpartition(":")
    return f"{sweep}-{number}" if colon and number.isdecimal() else name


def history_query(request: v1.GetHistoryRequest) -> HistoryQuery:
    """Decode the query for a page of histories.

    Raises:
        InvalidFieldError: a field of the request is invalid.
    """
    return HistoryQuery(
        selection=selection(request),
        start=position(request.page_token, request),
        budget=MAX_PAGE_BYTES,
        max_points=request.max_points,
        all_attempts=request.all_attempts,
        skip_damaged=request.skip_damaged,
    )


def export_query(request: v1.ExportPointsRequest, start: Position, budget: int) -> HistoryQuery:
    """Return the query for one page of an export.

    Raises:
        InvalidFieldError: no sweep is named.
    """
    if not request.sweep:
        raise InvalidFieldError("sweep", "is not given")
    return HistoryQuery(
        selection=Selection(sweep=request.sweep),
        start=start,
        budget=budget,
        all_attempts=True,
        by_attempt=True,
        skip_damaged=True,
        part_of_stream=True,
    )


def position(token: str, request: Message) -> Position:
    """Decode the position of a page token; without a token, return the start.

    Raises:
        InvalidFieldError: the token is not from an answer to this request.
    """
    match page_token.decoded(token, request):
        case None:
            return Position()
        case [int(run_id), str(key), int(attempt), int(row)]:
            return Position(run_id=run_id, key=key, attempt=attempt, row=row)
        case _:
            raise page_token.BadPageTokenError


def next_page_token(position: Position | None, request: Message) -> str:
    """Encode the start of the next page as a page token; return "" at the end."""
    if position is None:
        return ""
    return page_token.encoded([position.run_id, position.key, position.attempt, position.row], request)


def page_size(request: v1.ListSummariesRequest) -> int:
    """Return the maximum number of summaries per page."""
    return min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def file_page_size(request: v1.ListFilesRequest) -> int:
    """Return the maximum number of files per page."""
    return min(request.page_size or DEFAULT_PAGE_SIZE, MAX_FILE_PAGE_SIZE)


def run_of(request: v1.ReadLogRequest | v1.ListFilesRequest | v1.ReadFileRequest) -> str:
    """Return the full name of the run whose log or files are requested.

    Raises:
        InvalidFieldError: no run is named.
    """
    if not request.run:
        raise InvalidFieldError("run", "is not given")
    return run_name(request.run)


def log_offset(request: v1.ReadLogRequest) -> int:
    """Decode the offset of the first byte to read."""
    return min(request.offset, MAX_SIZE)
