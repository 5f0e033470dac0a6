"""Reports that are handed on to the metric store: as its requests, with the cursors before and after each."""

from typing import TypeVar

from google.protobuf.message import Message

from sweepd import v1
from sweepd_scheduler.domain.agents.agent import Held
from sweepd_scheduler.relay import Parcel

Q = TypeVar("Q", bound=Message)


def points(
    of: Held, report: v1.PointReport, resumed_from_step: int | None, *, system: bool
) -> Parcel[v1.AppendPointsRequest]:
    """Return points that a script has logged, or that its agent has sampled (`system`)."""
    request = v1.AppendPointsRequest(
        run=of.run,
        sweep=of.sweep,
        attempt=of.attempt,
        batch=report.batch,
        resumed_from_step=resumed_from_step,
        system=system,
    )
    return _parcel(of, request, report.batch.first_row - 1, report.batch.last_row)


def log(of: Held, report: v1.LogReport) -> Parcel[v1.AppendLogRequest]:
    """Return a piece of a log."""
    request = v1.AppendLogRequest(
        run=of.run, sweep=of.sweep, attempt=of.attempt, offset=report.offset, content=report.content
    )
    return _parcel(of, request, report.offset, report.offset + len(report.content))


def file(of: Held, report: v1.FileReport) -> Parcel[v1.AppendFilesRequest]:
    """Return a piece of the files of a run."""
    request = v1.AppendFilesRequest(
        run=of.run, sweep=of.sweep, attempt=of.attempt, number=report.number, piece=report.piece
    )
    return _parcel(of, request, report.number - 1, report.number)


def _parcel(of: Held, request: Q, start: int, end: int) -> Parcel[Q]:
    name = (of.run, of.attempt)
    return Parcel(name=name, request=request, size=request.ByteSize(), start=max(0, start), end=end)
