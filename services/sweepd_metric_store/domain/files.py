"""Limits on the files of a run: safe relative names and bounded sizes."""

from sweepd.file_limits import MAX_FILE_BYTES, MAX_RUN_BYTES, MAX_RUN_FILES

MAX_LEFT_OUT = 500
MAX_NUMBER = 2**63 - 1
"""Largest piece number. The upper 32 bits are the series: Unix time in seconds, set by the agent."""
_SERIES_BITS = 32


def follows(number: int, cursor: int) -> bool:
    """Return True if a piece is next: its number follows the cursor, or begins a higher series."""
    first = number & (1 << _SERIES_BITS) - 1 == 1
    return number == cursor + 1 or (first and number >> _SERIES_BITS > cursor >> _SERIES_BITS)


def complaint_of_count(count: int) -> str:
    """Return why a run with `count` other files cannot have one more, or "" if it can."""
    return f"the run has {MAX_RUN_FILES} files already" if count >= MAX_RUN_FILES else ""


def complaint_of_size(size: int, *, others: int) -> str:
    """Return why a file of `size` bytes is too large beside `others` bytes of the run, or "" if it is not."""
    if size > MAX_FILE_BYTES:
        return f"it is larger than {MAX_FILE_BYTES // 2**20} MiB"
    if others + size > MAX_RUN_BYTES:
        return f"the files of the run would be larger than {MAX_RUN_BYTES // 2**20} MiB"
    return ""
