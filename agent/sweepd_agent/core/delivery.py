"""Queue of the files of a run: which is delivered next, and which are stored, by what was seen on disk."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_FILE_BYTES = 16 * 2**20
MAX_RUN_BYTES = 256 * 2**20
MAX_FILES = 10_000
MAX_NAME_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file as it was seen: with another time or size it is another version."""

    # Below the folder of the run.
    path: str
    size: int
    modified: int
    inode: int


class Deliveries:
    """Files by name: what is on disk, what is safe elsewhere, and what is on its way."""

    def __init__(self, delivered: Mapping[str, Seen]) -> None:
        self.delivered = dict(delivered)
        self._seen: dict[str, Seen] = {}
        # Bytes of all that was seen.
        self._size = 0
        # What is not delivered in the version that was seen last.
        self._pending: dict[str, Seen] = {}
        # Versions that were sent whole, with the number of their last piece.
        self._under_way: dict[str, tuple[Seen, int]] = {}
        self._queue: list[str] = []

    @property
    def done(self) -> bool:
        """True if every file is safe elsewhere in the version that was seen last."""
        return not self._pending

    def looked(self, seen: Mapping[str, Seen]) -> None:
        """Record what is on disk."""
        self._seen = dict(seen)
        self._size = sum(each.size for each in seen.values())
        self._pending = {name: each for name, each in seen.items() if self.delivered.get(name) != each}
        self._line_up()

    def forget(self, name: str) -> None:
        """Take a file for gone, until it is seen again."""
        self._pending.pop(name, None)

    def next(self) -> tuple[str, Seen] | None:
        """Return a file whose version was not sent; the smallest first: no large one holds up many."""
        while self._queue:
            name = self._queue[-1]
            seen = self._pending.get(name)
            if seen is not None and self._under_way.get(name, (None, 0))[0] != seen:
                return name, seen
            self._queue.pop()
        return None

    def left_out(self, name: str) -> str:
        """Say why the content of a file stays where it is; empty: it does not."""
        size = self._seen[name].size
        if size > MAX_FILE_BYTES:
            return f"it is larger than {MAX_FILE_BYTES // 2**20} MiB"
        if self._size > MAX_RUN_BYTES:
            sent = self.delivered | {other: seen for other, (seen, _) in self._under_way.items()}
            others = (each.size for other, each in sent.items() if other != name)
            if size + sum(other for other in others if other <= MAX_FILE_BYTES) > MAX_RUN_BYTES:
                return f"the files of the run are larger than {MAX_RUN_BYTES // 2**20} MiB"
        return ""

    def sent(self, name: str, seen: Seen, number: int) -> None:
        """Record that a version went out whole, its last piece as `number`."""
        self._under_way[name] = (seen, number)

    def acknowledged(self, number: int) -> int:
        """Take every piece up to `number` for safe; return how many files are, by that."""
        safe = [name for name, (_, last) in self._under_way.items() if last <= number]
        for name in safe:
            self.delivered[name], _ = self._under_way.pop(name)
            if self._pending.get(name) == self.delivered[name]:
                del self._pending[name]
        return len(safe)

    def begin_again(self) -> None:
        """Take what is under way for lost: it is sent again."""
        self._under_way.clear()
        self._line_up()

    def _line_up(self) -> None:
        self._queue = sorted(self._pending, key=lambda name: (self._pending[name].size, name), reverse=True)


def takes_name(name: str) -> bool:
    """True if a file of this name can be delivered."""
    parts = name.split("/")
    return (
        0 < len(name.encode(errors="replace")) <= MAX_NAME_BYTES
        and not any(part in {"", ".", ".."} for part in parts)
        and "\\" not in name
        and ":" not in parts[0]
        and name.isprintable()
    )
