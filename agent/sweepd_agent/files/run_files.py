"""Files of a run for the metric store: those of the agent, and those of the script."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from sweepd import v1
from sweepd.regular_files import entries_inside, kind_of, open_inside, read_inside, write_inside
from sweepd_agent.context.recorder import FOLDER as CONTEXT_FOLDER
from sweepd_agent.core.delivery import MAX_FILES, Deliveries, Seen, takes_name

SCRIPT_FOLDER = "files"
PIECE_BYTES = 256 * 1024
_STATE_FILE = "delivered-files.json"
_MAX_STATE_BYTES = 64 * 2**20
_LOOK_EVERY = 2.0
_STORE_EVERY = 2.0
_SERIES_BITS = 32
# A clock beyond 2037 begins where there is still room for later ones.
_LAST_BY_CLOCK = 2**31 - 2**20
_LAST_BY_RECORD = 2**31 - 2**10
# Looking may take this share of the time, so that large trees are looked at less often.
_SHARE = 0.01
# A file that was written so lately may be written on.
_AT_REST_AFTER = 1.0


class RunFiles:
    """Gives piece after piece, one file at a time; the newest version of each counts.

    Args:
        folder: the folder of the attempt.
        complain: says once what is wrong.
    """

    def __init__(
        self,
        folder: Path,
        complain: Callable[[str], None],
        monotonic: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._complain = complain
        self._monotonic = monotonic
        self._wall_clock = wall_clock
        self._look_at = float("-inf")
        # How many files have become safe elsewhere, newer versions included.
        self.stored = 0
        self._open: _OpenFile | None = None
        delivered, series = self._recorded()
        self._files = Deliveries(delivered)
        # Pieces up to this one are of earlier series: see `LANE_FILES` in the contract.
        self.floor = series << _SERIES_BITS
        self._stored_at = float("-inf")

    def look(self, *, ended: bool = False) -> bool:
        """See what there is, now and then, and once the script has ended; return whether there is news."""
        begun = self._monotonic()
        if begun < self._look_at and not ended:
            return False
        seen = dict(self._seen(ended=ended))
        taken = self._monotonic() - begun
        self._look_at = begun + max(_LOOK_EVERY, taken / _SHARE)
        self._files.looked(seen)
        return self._files.next() is not None

    def begin_anew(self) -> None:
        """Take nothing for delivered."""
        self._files = Deliveries({})
        self.look(ended=True)  # of a run that has ended, nobody looks again

    def close(self) -> None:
        """Close the open file, and record what is delivered."""
        self._close_file()
        if self._files.delivered:
            self._store()

    def restart(self, cursor: int) -> int:
        """Begin a new series above `cursor`, and take what is under way for lost."""
        by_clock = min(int(self._wall_clock()), _LAST_BY_CLOCK)
        self.floor = max((max(self.floor, cursor) >> _SERIES_BITS) + 1, by_clock) << _SERIES_BITS
        self._files.begin_again()
        self._close_file()
        return self.floor

    def piece(self, cursor: int) -> tuple[int, bytes] | None:
        """Return the next piece of a file, with the number after `cursor`; None if there is none."""
        if self._open is None and (chosen := self._files.next()) is not None:
            name, seen = chosen
            if reason := self._files.left_out(name):
                stays = v1.FilePiece(name=name, size_bytes=seen.size, left_out=reason)
                return self._numbered(cursor + 1, name, seen, stays, whole=True)
            self._open = _OpenFile.of(self._folder, name, seen)
            if self._open is None:  # it was removed, or cannot be read: so it is not seen any more
                self._files.forget(name)
                return None
        if self._open is None:
            return None
        opened = self._open
        piece = opened.piece()
        if piece is None:  # it was written meanwhile: another look finds the version that there is now
            self._close_file()
            self._files.forget(opened.name)
            self._look_at = min(self._look_at, self._monotonic() + _AT_REST_AFTER)
            return None
        whole = bool(piece.digest)
        if whole:
            self._close_file()
        return self._numbered(cursor + 1, opened.name, opened.seen, piece, whole=whole)

    def acknowledged(self, cursor: int) -> None:
        """Record the files that are stored by pieces up to number `cursor`."""
        stored = self._files.acknowledged(cursor)
        self.stored += stored
        if stored and self._monotonic() - self._stored_at > _STORE_EVERY:
            self._store()

    def has_more(self, cursor: int) -> bool:
        """Return whether a file is not stored elsewhere yet."""
        return not self._files.done or self._open is not None

    def _numbered(
        self, number: int, name: str, seen: Seen, piece: v1.FilePiece, *, whole: bool
    ) -> tuple[int, bytes]:
        piece.modify_time.FromNanoseconds(seen.modified)
        if number == self.floor + 1:  # an agent after this one begins above, even within a second
            self._store()
        if whole:
            self._files.sent(name, seen, number)
        return number, piece.SerializeToString()

    def _close_file(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _seen(self, *, ended: bool) -> Iterator[tuple[str, Seen]]:
        recent = (self._wall_clock() - _AT_REST_AFTER) * 1e9
        found: dict[str, Seen] = {}
        for root in (CONTEXT_FOLDER, SCRIPT_FOLDER):
            for name, seen in self._below(root, ""):
                if ended or seen.modified <= recent or self._files.delivered.get(name) == seen:
                    found[name] = seen
                if len(found) >= MAX_FILES:
                    where = self._folder / root
                    self._complain(f"there are more than {MAX_FILES} files in {where}; the rest stays there")
                    yield from found.items()
                    return
        yield from found.items()

    def _below(self, folder: str, prefix: str) -> Iterator[tuple[str, Seen]]:
        """Yield the regular files below a folder of the run's folder; nothing else is followed or opened."""
        try:
            entries = entries_inside(self._folder, folder)
        except FileNotFoundError:
            return
        except OSError as error:  # the others come all the same
            self._complain(f"the files in {self._folder / folder} cannot be listed: {error.strerror}")
            return
        for entry, status in entries:
            name, path = f"{prefix}{entry}", f"{folder}/{entry}"
            if entry.startswith(".") or not takes_name(name):
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self._below(path, f"{name}/")
            elif stat.S_ISREG(status.st_mode):
                yield name, _as_seen(path, status)
            else:
                self._complain(
                    f"{self._folder / path} is {kind_of(status)}; only regular files are kept with a run"
                )

    def _recorded(self) -> tuple[dict[str, Seen], int]:
        """Return what an earlier agent recorded: the files that are delivered, and its last series."""
        try:
            recorded = json.loads(read_inside(self._folder, _STATE_FILE, limit=_MAX_STATE_BYTES))
            delivered = {name: Seen(**seen) for name, seen in recorded["files"].items()}
            series = int(recorded["series"])
        except (OSError, ValueError, TypeError, AttributeError, LookupError, OverflowError):
            return {}, 0
        return delivered, series if 0 <= series <= _LAST_BY_RECORD else 0

    def _store(self) -> None:
        """Record what is delivered, without haste: what is not recorded is sent again, and stored once."""
        self._stored_at = self._monotonic()
        if not self._folder.exists():
            return
        delivered = {name: asdict(seen) for name, seen in self._files.delivered.items()}
        record = {"series": self.floor >> _SERIES_BITS, "files": delivered}
        try:
            write_inside(self._folder, _STATE_FILE, json.dumps(record).encode())
        except OSError as error:
            self._complain(f"cannot write in {self._folder}: {error}")


class _OpenFile:
    """One version of a file that is being sent."""

    def __init__(self, name: str, seen: Seen, file: BinaryIO) -> None:
        self.name = name
        self.seen = seen
        self._file = file
        self._offset = 0
        import hashlib  # here, as it brings OpenSSL along: 2 MiB that an agent without files can spare

        self._digest = hashlib.sha256()

    @classmethod
    def of(cls, folder: Path, name: str, seen: Seen) -> "_OpenFile | None":
        try:
            return cls(name, seen, os.fdopen(open_inside(folder, seen.path), "rb"))
        except OSError:
            return None

    def piece(self) -> v1.FilePiece | None:
        """Return the next piece; None if the file is no longer what was seen."""
        try:
            status = os.fstat(self._file.fileno())
            content = self._file.read(min(PIECE_BYTES, self.seen.size - self._offset))
        except OSError:
            return None
        now = (status.st_size, status.st_mtime_ns, status.st_ino)
        if now != (self.seen.size, self.seen.modified, self.seen.inode):
            return None
        if not content and self._offset < self.seen.size:
            return None
        self._digest.update(content)
        piece = v1.FilePiece(name=self.name, size_bytes=self.seen.size, offset=self._offset, content=content)
        self._offset += len(content)
        if self._offset >= self.seen.size:
            piece.digest = self._digest.digest()
        return piece

    def close(self) -> None:
        self._file.close()


def _as_seen(path: str, status: os.stat_result) -> Seen:
    return Seen(path=path, size=status.st_size, modified=status.st_mtime_ns, inode=status.st_ino)
