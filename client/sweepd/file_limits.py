"""Limits on the files of a run, observed by agents and checked by the metric store."""

MAX_PIECE_BYTES = 256 * 1024
MAX_FILE_BYTES = 16 * 2**20
MAX_RUN_BYTES = 256 * 2**20
MAX_RUN_FILES = 10_000
MAX_NAME_BYTES = 512


def complaint_of_name(name: str) -> str:
    """Return why a file name is invalid, or "" if it is valid."""
    if not name or len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        return f"its name is empty or longer than {MAX_NAME_BYTES} bytes"
    if any(part in {"", ".", ".."} for part in name.split("/")):
        return "its name has a part that is empty, `.` or `..`"
    if "\\" in name or not name.isprintable() or ":" in name.split("/")[0]:
        return "its name has characters that some file systems do not accept"
    return ""
