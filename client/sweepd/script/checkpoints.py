"""What a script has kept for the next attempt at its run, and up to which step."""

import os
from pathlib import Path

from sweepd.folders import make_folder

STEP_FILE = ".sweepd-step"


def saved_step(folder: Path) -> int | None:
    """Return the last step that is in the checkpoint of a folder; None if that was never said."""
    try:
        return int((folder / STEP_FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def save_step(folder: Path, step: int) -> None:
    """Note that the checkpoint has everything up to a step; on disk once this returns.

    Raises:
        OSError: the folder cannot be written.
    """
    make_folder(folder)
    fresh = folder / f"{STEP_FILE}.{os.getpid()}"
    with fresh.open("w", encoding="ascii") as file:
        file.write(f"{step}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / STEP_FILE)


def holds_something(folder: Path) -> bool:
    """Tell whether an earlier attempt has left something in the folder."""
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False
