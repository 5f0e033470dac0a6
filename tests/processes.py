"""Processes, as the system shows them."""

from pathlib import Path


def alive(pid: float) -> bool:
    """Return True if a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # it ended before or during the read
        return False
    return state not in {"Z", "X"}
