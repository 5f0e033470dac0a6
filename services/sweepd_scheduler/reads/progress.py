"""Progress of a sweep, from the records to messages."""

from sweepd import v1
from sweepd_scheduler.domain.sweeps.figures import progress
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.store.ports import Records

ENTRIES_A_MESSAGE = 50_000
_MICROSECONDS = 1_000_000


def progress_parts(records: Records, sweep: Sweep) -> list[v1.ReadSweepProgressResponse]:
    """Return the values of a sweep that count, in order, in bounded messages; may raise StorageError."""
    found = progress(sweep, records.run_values(sweep))
    parts = (found[start : start + ENTRIES_A_MESSAGE] for start in range(0, len(found), ENTRIES_A_MESSAGE))
    return [
        v1.ReadSweepProgressResponse(
            runs=[each.run for each in part],
            end_times=[each.end_time / _MICROSECONDS for each in part],
            values=[each.value for each in part],
            bests=[each.best for each in part],
        )
        for part in parts
    ]
