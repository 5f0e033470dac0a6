"""Download of the files of a run into a folder; no file name can cause a write outside the folder."""

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path

from sweepd.private_files import make_folder


class UnsafeNameError(ValueError):
    """Error about a file name that points outside the folder or through a symbolic link."""


class DigestError(ValueError):
    """Error about received content that does not match the digest of the stored content."""


def place_of(folder: Path, name: str) -> Path:
    """Return the path of a file below a folder, and create the folders that contain it.

    Raises:
        UnsafeNameError: the name is not valid, or leads through a symbolic link.
        OSError: a folder cannot be created.
    """
    parts = name.split("/")
    if (
        not name
        or "\0" in name
        or "\\" in name
        or any(part in {"", ".", ".."} or ":" in part for part in parts)
    ):
        raise UnsafeNameError(f"{name!r} is not a valid file name; it was skipped")
    place = folder
    for part in parts[:-1]:
        place = place / part
        if place.is_symlink():
            raise UnsafeNameError(f"{name!r} leads through the symbolic link {place}; it was skipped")
        make_folder(place)
    return place / parts[-1]


def save(place: Path, content: Iterable[bytes], digest: bytes) -> int:
    """Write or replace a file atomically; return its size in bytes.

    Raises:
        DigestError: `digest` is not empty and differs from the digest of the content.
        OSError: the file cannot be written.
    """
    found = hashlib.sha256()
    size = 0
    fresh = place.with_name(f".sweepctl-{secrets.token_hex(8)}")
    try:
        with fresh.open("xb") as file:  # with the default permissions of new files
            for piece in content:
                file.write(piece)
                found.update(piece)
                size += len(piece)
        if digest and found.digest() != digest:
            raise DigestError(f"{place.name} changed during the download; try again")
        fresh.replace(place)  # replaces a symbolic link instead of following it
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return size
