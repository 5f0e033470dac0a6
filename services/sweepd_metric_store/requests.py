"""Reads what readers ask for, and refuses what makes no sense."""

from __future__ import annotations

from sweepd import v1
from sweepd_kernel.errors import InvalidFieldError
from sweepd_metric_store import page_token
from sweepd_metric_store.ports import SYSTEM, HistoryQuery, Position, Selection

MAX_PAGE_BYTES = 3 * 1024 * 1024
MAX_PAGE_SIZE = 10_000
MAX_LOG_BYTES = 2**62
DEFAULT_PAGE_SIZE = 1_000
MAX_FILE_PAGE_SIZE = 2_000

Selecting = v1.GetHistoryRequest | v1.ListSummariesRequest | v1.WatchHistoryRequest


def selection(request: Selecting) -> Selection:
    """Read whose points are wanted.

    Raises:
        InvalidFieldError: neither runs nor a sweep are named, or both.
    """
    if bool(request.runs) == bool(request.sweep):
        raise InvalidFieldError("runs", "name either runs or a sweep")
    end = SYSTEM if not isinstance(request, v1.WatchHistoryRequest) and request.system else ""
    runs = frozenset(run_name(run) + end for run in request.runs)
    sweep = request.sweep + end if request.sweep else ""
    return Selection(runs=runs, sweep=sweep, keys=frozenset(request.keys))


def run_name(name: str) -> str:
    """Return the full name of a run, which may also be given as its sweep and number: `SWEEP:7`."""
    sweep, colon, number = name.rpartition(":")
    return f"{sweep}-{number}" if colon and number.isdecimal() else name


def history_query(request: v1.GetHistoryRequest) -> HistoryQuery:
    """Read what page of histories is wanted.

    Raises:
        InvalidFieldError: the request makes no sense.
    """
    return HistoryQuery(
        selection=selection(request),
        start=page_token.decoded(request.page_token, request),
        budget=MAX_PAGE_BYTES,
        max_points=request.max_points,
        all_attempts=request.all_attempts,
        skip_damaged=request.skip_damaged,
    )


def export_query(request: v1.ExportPointsRequest, start: Position, budget: int) -> HistoryQuery:
    """Read whose points are exported; a part of them from `start` on.

    Raises:
        InvalidFieldError: no sweep is named.
    """
    if not request.sweep:
        raise InvalidFieldError("sweep", "is not named")
    return HistoryQuery(
        selection=Selection(sweep=request.sweep),
        start=start,
        budget=budget,
        all_attempts=True,
        by_attempt=True,
        skip_damaged=True,
        part_of_stream=True,
    )


def page_size(request: v1.ListSummariesRequest) -> int:
    """Read how many summaries a page may have."""
    return min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def file_page_size(request: v1.ListFilesRequest) -> int:
    """Read how many files a page may have; names may be long, and a message has its bounds."""
    return min(request.page_size or DEFAULT_PAGE_SIZE, MAX_FILE_PAGE_SIZE)


def logged_run(request: v1.ReadLogRequest | v1.ListFilesRequest | v1.ReadFileRequest) -> str:
    """Read whose log or files are wanted.

    Raises:
        InvalidFieldError: no run is named.
    """
    if not request.run:
        raise InvalidFieldError("run", "is not named")
    return run_name(request.run)


def log_offset(request: v1.ReadLogRequest) -> int:
    """Read the first byte wanted; no log is as long as the largest offset that can be stored."""
    return min(request.offset, MAX_LOG_BYTES)
