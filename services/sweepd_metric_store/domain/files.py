"""Rules for the files of a run: the order of their pieces, and limits on their number and size."""

from sweepd.file_limits import MAX_FILE_BYTES, MAX_RUN_BYTES, MAX_RUN_FILES

MAX_LEFT_OUT = 500
MAX_NUMBER = 2**63 - 1
"""Largest piece number. The bits above the lowest 32 are the series: Unix time in seconds, set by agents."""
_SERIES_BITS = 32


def follows(number: int, cursor: int) -> bool:
    """Return True if a piece is the next one: its number is cursor + 1, or the first of a higher series."""
    first = number & (1 << _SERIES_BITS) - 1 == 1
    return number == cursor + 1 or (first and number >> _SERIES_BITS > cursor >> _SERIES_BITS)


def complaint_of_count(count: int) -> str:
    """Return the reason why a run with `count` other files cannot have one more; "" if it can."""
    return f"the run has {MAX_RUN_FILES} files already" if count >= MAX_RUN_FILES else ""


def complaint_of_size(size: int, *, others: int) -> str:
    """Return the reason why a file is too large, given the total size of the other files; "" if it is not."""
    if size > MAX_FILE_BYTES:
        return f"it is larger than {MAX_FILE_BYTES // 2**20} MiB"
    if others + size > MAX_RUN_BYTES:
        return f"the files of the run would be larger than {MAX_RUN_BYTES // 2**20} MiB"
    return ""
