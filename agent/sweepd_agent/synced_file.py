"""Files that no crash forgets: replaced as a whole, on disk once that returns, and for their owner alone."""

import os
from pathlib import Path


def replace_synced(path: Path, text: str) -> None:
    """Replace a file; a reader sees the old text or the new one.

    Raises:
        OSError: the old text is still there.
    """
    fresh = path.with_name(f".{path.name}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fdatasync(descriptor)
    fresh.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to disk; one that is gone meanwhile needs none of it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
