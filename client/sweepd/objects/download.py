"""Brings files of a run into a folder: nothing is written outside of it, whatever their names say."""

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path

from sweepd.private_files import make_folder


class UnsafeNameError(ValueError):
    """The name of a file leads out of the folder, or through a link; the message is a sentence."""


class DigestError(ValueError):
    """The content that came is not the one that was stored; the message is a sentence."""


def place_of(folder: Path, name: str) -> Path:
    """Return where a file goes, its folders made.

    Raises:
        UnsafeNameError: that is not inside the folder.
        OSError: a folder cannot be made.
    """
    parts = name.split("/")
    if (
        not name
        or "\0" in name
        or "\\" in name
        or any(part in {"", ".", ".."} or ":" in part for part in parts)
    ):
        raise UnsafeNameError(f"{name!r} is no name of a file in a folder; it was left out")
    place = folder
    for part in parts[:-1]:
        place = place / part
        if place.is_symlink():
            raise UnsafeNameError(f"{name!r} leads through the link {place}; it was left out")
        make_folder(place)
    return place / parts[-1]


def save(place: Path, content: Iterable[bytes], digest: bytes) -> int:
    """Write a file whole or not at all, in the place of what was there; return its size.

    Raises:
        DigestError: its content is not that of `digest`.
        OSError: it cannot be written.
    """
    found = hashlib.sha256()
    size = 0
    fresh = place.with_name(f".sweepctl-{secrets.token_hex(8)}")
    try:
        with fresh.open("xb") as file:  # with the rights that new files of this account have
            for piece in content:
                file.write(piece)
                found.update(piece)
                size += len(piece)
        if digest and found.digest() != digest:
            raise DigestError(f"{place.name} has changed on its way; try again")
        fresh.replace(place)  # a link in its place is replaced, not followed
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return size
