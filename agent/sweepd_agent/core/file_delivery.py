"""Delivery queue of a run's files: the next file to send, and the versions already stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from sweepd.file_limits import MAX_FILE_BYTES, MAX_RUN_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVersion:
    """Version of a file on disk, identified by its path, size, modification time and inode."""

    # Relative to the run folder.
    path: str
    size: int
    modified: int
    inode: int


class Deliveries:
    """Versions of each file by name: on disk, delivered and in flight."""

    def __init__(self, delivered: Mapping[str, FileVersion]) -> None:
        self.delivered = dict(delivered)
        self._seen: dict[str, FileVersion] = {}
        # Total bytes of the files on disk.
        self._size = 0
        # Files whose newest version on disk is not delivered.
        self._pending: dict[str, FileVersion] = {}
        # Versions sent in full but not acknowledged, with the number of their last piece.
        self._in_flight: dict[str, tuple[FileVersion, int]] = {}
        self._queue: list[str] = []

    @property
    def done(self) -> bool:
        """True if the newest version on disk of every file is delivered."""
        return not self._pending

    def update(self, seen: Mapping[str, FileVersion]) -> None:
        """Record the files found on disk, and queue those to deliver."""
        self._seen = dict(seen)
        self._size = sum(each.size for each in seen.values())
        self._pending = {name: each for name, each in seen.items() if self.delivered.get(name) != each}
        self._sort_queue()

    def forget(self, name: str) -> None:
        """Treat a file as deleted until the next scan finds it."""
        self._pending.pop(name, None)

    def next(self) -> tuple[str, FileVersion] | None:
        """Return the smallest unsent file, so that large files do not delay others; None if all are sent."""
        while self._queue:
            name = self._queue[-1]
            seen = self._pending.get(name)
            if seen is not None and self._in_flight.get(name, (None, 0))[0] != seen:
                return name, seen
            self._queue.pop()
        return None

    def left_out(self, name: str) -> str:
        """Return the reason why the content of a file is not delivered; empty if it is delivered."""
        size = self._seen[name].size
        if size > MAX_FILE_BYTES:
            return f"it is larger than {MAX_FILE_BYTES // 2**20} MiB"
        if self._size > MAX_RUN_BYTES:
            sent = self.delivered | {other: seen for other, (seen, _) in self._in_flight.items()}
            others = (each.size for other, each in sent.items() if other != name)
            if size + sum(other for other in others if other <= MAX_FILE_BYTES) > MAX_RUN_BYTES:
                return f"the files of the run are larger than {MAX_RUN_BYTES // 2**20} MiB"
        return ""

    def sent(self, name: str, seen: FileVersion, number: int) -> None:
        """Record that a version was sent in full; `number` is that of its last piece."""
        self._in_flight[name] = (seen, number)

    def acknowledged(self, number: int) -> int:
        """Record that every piece up to `number` is stored; return how many files this completes."""
        safe = [name for name, (_, last) in self._in_flight.items() if last <= number]
        for name in safe:
            self.delivered[name], _ = self._in_flight.pop(name)
            if self._pending.get(name) == self.delivered[name]:
                del self._pending[name]
        return len(safe)

    def resend_in_flight(self) -> None:
        """Treat versions in flight as lost, so that they are sent again."""
        self._in_flight.clear()
        self._sort_queue()

    def _sort_queue(self) -> None:
        self._queue = sorted(self._pending, key=lambda name: (self._pending[name].size, name), reverse=True)
