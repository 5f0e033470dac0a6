"""Folders that sweepd makes: for this account alone, whatever the umask."""

from pathlib import Path

_OWNER_ONLY = 0o700


def make_folder(path: Path, *, exist_ok: bool = True) -> None:
    """Make a folder, and those above it that are missing, each with mode 0700.

    `Path.mkdir(parents=True, mode=…)` gives its mode to the last one alone; the others are as the umask
    leaves them, for everybody to write to where that is 000. A folder that is there stays as it is.

    Raises:
        FileExistsError: it is there and must not be, or is no folder.
        OSError: it cannot be made.
    """
    try:
        path.mkdir(mode=_OWNER_ONLY)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        make_folder(path, exist_ok=exist_ok)
    except OSError:  # of a folder that is there, a read-only file system may say anything
        if not (exist_ok and path.is_dir()):
            raise
