"""Files of a run that are uploaded to the metric store, written by the agent or the script."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from sweepd import v1
from sweepd.file_limits import MAX_PIECE_BYTES, MAX_RUN_FILES, complaint_of_name
from sweepd.regular_files import entries_inside, kind_of, open_inside, read_inside, write_inside
from sweepd_agent.context.recorder import FOLDER as CONTEXT_FOLDER
from sweepd_agent.core.file_delivery import Deliveries, FileVersion

SCRIPT_FOLDER = "files"
_STATE_FILE = "delivered-files.json"
_MAX_STATE_BYTES = 64 * 2**20
_LOOK_EVERY = 2.0
_STORE_EVERY = 2.0
_SERIES_BITS = 32
# Largest series number taken from the clock, in January 2038; later series count up from it.
_LAST_BY_CLOCK = 2**31 - 2**20
_LAST_BY_RECORD = 2**31 - 2**10
# Maximum share of time spent on scans; large trees are therefore scanned less often.
_SHARE = 0.01
# Seconds since its last write after which a file is considered complete.
_COMPLETE_AFTER = 1.0


class RunFiles:
    """Source of file pieces, one file at a time; only the newest version of each file is sent.

    Args:
        folder: the folder of the attempt.
        complain: logs a problem once.
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
        # Number of file versions that the server has stored.
        self.stored = 0
        self._open: _OpenFile | None = None
        delivered, series = self._recorded()
        self._files = Deliveries(delivered)
        # Pieces up to this number belong to earlier series: see `LANE_FILES` in the contract.
        self.floor = series << _SERIES_BITS
        self._stored_at = float("-inf")

    def look(self, *, ended: bool = False) -> bool:
        """Scan the files if a scan is due or the script has ended; return True if a file is to be sent."""
        begun = self._monotonic()
        if begun < self._look_at and not ended:
            return False
        seen = self._seen(ended=ended)
        taken = self._monotonic() - begun
        self._look_at = begun + max(_LOOK_EVERY, taken / _SHARE)
        self._files.update(seen)
        return self._files.next() is not None

    def reset(self) -> None:
        """Treat all files as undelivered."""
        self._files = Deliveries({})
        self.look(ended=True)  # the files of an ended run are not scanned again

    def close(self) -> None:
        """Close the open file, and record the delivered files."""
        self._close_file()
        if self._files.delivered:
            self._store()

    def restart(self, cursor: int) -> int:
        """Treat pieces in flight as lost, and begin a new series above `cursor`; return where it begins."""
        by_clock = min(int(self._wall_clock()), _LAST_BY_CLOCK)
        self.floor = max((max(self.floor, cursor) >> _SERIES_BITS) + 1, by_clock) << _SERIES_BITS
        self._files.resend_in_flight()
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
            if self._open is None:  # it was removed or cannot be read
                self._files.forget(name)
                return None
        if self._open is None:
            return None
        opened = self._open
        piece = opened.piece()
        if piece is None:  # it was modified meanwhile: the next scan finds the new version
            self._close_file()
            self._files.forget(opened.name)
            self._look_at = min(self._look_at, self._monotonic() + _COMPLETE_AFTER)
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
        """Return True if a file is not stored by the server yet."""
        return not self._files.done or self._open is not None

    def _numbered(
        self, number: int, name: str, seen: FileVersion, piece: v1.FilePiece, *, whole: bool
    ) -> tuple[int, bytes]:
        piece.modify_time.FromNanoseconds(seen.modified)
        if number == self.floor + 1:
            # Record the series, so that a later agent begins a higher one, even within the same second.
            self._store()
        if whole:
            self._files.sent(name, seen, number)
        return number, piece.SerializeToString()

    def _close_file(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _seen(self, *, ended: bool) -> dict[str, FileVersion]:
        recent = (self._wall_clock() - _COMPLETE_AFTER) * 1e9
        found: dict[str, FileVersion] = {}
        for root in (CONTEXT_FOLDER, SCRIPT_FOLDER):
            for name, seen in self._below(root, ""):
                if ended or seen.modified <= recent or self._files.delivered.get(name) == seen:
                    found[name] = seen
                if len(found) >= MAX_RUN_FILES:
                    where = self._folder / root
                    self._complain(
                        f"there are more than {MAX_RUN_FILES} files in {where}; the rest is not uploaded"
                    )
                    return found
        return found

    def _below(self, folder: str, prefix: str) -> Iterator[tuple[str, FileVersion]]:
        """Yield the regular files below a subfolder of the run folder, without following links."""
        try:
            entries = entries_inside(self._folder, folder)
        except FileNotFoundError:
            return
        except OSError as error:  # the other folders are listed all the same
            self._complain(f"the files in {self._folder / folder} cannot be listed: {error.strerror}")
            return
        for entry, status in entries:
            name, path = f"{prefix}{entry}", f"{folder}/{entry}"
            if entry.startswith(".") or complaint_of_name(name):
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self._below(path, f"{name}/")
            elif stat.S_ISREG(status.st_mode):
                yield name, _as_seen(path, status)
            else:
                self._complain(
                    f"{self._folder / path} is {kind_of(status)}; only regular files are stored with a run"
                )

    def _recorded(self) -> tuple[dict[str, FileVersion], int]:
        """Return the delivered files and the last series that an earlier agent recorded."""
        try:
            recorded = json.loads(read_inside(self._folder, _STATE_FILE, limit=_MAX_STATE_BYTES))
            delivered = {name: FileVersion(**seen) for name, seen in recorded["files"].items()}
            series = int(recorded["series"])
        except (OSError, ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError):
            return {}, 0
        return delivered, series if 0 <= series <= _LAST_BY_RECORD else 0

    def _store(self) -> None:
        """Record the delivered files, without sync: if the record is lost, files are only sent again."""
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
    """Open version of a file that is being sent."""

    def __init__(self, name: str, seen: FileVersion, file: BinaryIO) -> None:
        self.name = name
        self.seen = seen
        self._file = file
        self._offset = 0
        import hashlib  # imported here, as it loads OpenSSL (2 MiB), which few agents need

        self._digest = hashlib.sha256()

    @classmethod
    def of(cls, folder: Path, name: str, seen: FileVersion) -> "_OpenFile | None":
        try:
            return cls(name, seen, os.fdopen(open_inside(folder, seen.path), "rb"))
        except OSError:
            return None

    def piece(self) -> v1.FilePiece | None:
        """Return the next piece; None if the file has changed since the scan."""
        try:
            status = os.fstat(self._file.fileno())
            content = self._file.read(min(MAX_PIECE_BYTES, self.seen.size - self._offset))
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


def _as_seen(path: str, status: os.stat_result) -> FileVersion:
    return FileVersion(path=path, size=status.st_size, modified=status.st_mtime_ns, inode=status.st_ino)
