"""Checkpoint folder: the step that its content covers."""

import os
from pathlib import Path

from sweepd.private_files import make_folder

STEP_FILE = ".sweepd-step"


def saved_step(folder: Path) -> int | None:
    """Return the last step in the checkpoint; None if none was recorded."""
    try:
        return int((folder / STEP_FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def save_step(folder: Path, step: int) -> None:
    """Record durably that the checkpoint covers everything up to a step.

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


def has_content(folder: Path) -> bool:
    """Return whether the folder contains anything."""
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False
