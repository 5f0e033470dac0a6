"""JSON file that holds the newest state, written at a limited rate; conversion of any value to JSON."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path

from sweepd.script.folder.run_folder import write_json
from sweepd.script.row import plain

_TRIES = 5
# Share of the time that writes may take after a burst.
_SHARE = 0.05


class StateFile:
    """JSON file of the newest state, which is written when the state changes.

    A change is written at once after a quiet interval or within a burst, else at the end of the interval.
    Bursts are written at once because a script may end at any time, by `os._exit` or a signal.

    Args:
        path: path of the file.
        content: return the state.
        attempt_to: run a write and handle its OSError.
        interval: seconds between two writes; 0: write each change at once.
        burst: seconds that the writes of a burst may take in total before the interval applies.
    """

    def __init__(
        self,
        path: Path,
        content: Callable[[], Mapping[str, object]],
        attempt_to: Callable[[Callable[[], None]], None],
        *,
        interval: float,
        burst: float = 0.0,
    ) -> None:
        self._path = path
        self._content = content
        self._attempt_to = attempt_to
        self._interval = interval
        self._burst = burst
        # Seconds spent on recent writes.
        self._spent = 0.0
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._written = float("-inf")
        self._newest = object()

    def changed(self) -> None:
        """Write the new state now or at the end of the interval."""
        with self._lock:
            if self._timer is not None:
                return
            now = time.monotonic()
            self._spent = max(0.0, self._spent - (now - self._written) * _SHARE)
            wait = self._written + self._interval - now
            if wait > 0 and self._spent >= self._burst and self._write_later(wait):
                return
            self._write()
            self._spent += time.monotonic() - now

    def changed_slightly(self) -> None:
        """Write the new state at the end of the interval; for frequent changes."""
        with self._lock:
            if self._timer is None:
                self._write_later(self._interval)

    def flush(self) -> None:
        """Write a pending change now."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._write()

    def _write_later(self, wait: float) -> bool:
        timer = threading.Timer(wait, self.flush)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # the interpreter is shutting down, or no thread can be started
            return False
        self._timer = timer
        return True

    def _write(self) -> None:
        self._timer = None
        self._written = time.monotonic()
        self._newest = mine = object()
        document = _snapshot(self._content)
        if document is None:
            return
        self._attempt_to(lambda: write_json(self._path, document))
        if self._newest is not mine:  # a signal handler has written a newer state in between
            self._write()


def _snapshot(content: Callable[[], Mapping[str, object]]) -> dict[str, object] | None:
    for _ in range(_TRIES):
        try:
            return document_of(content())
        except RuntimeError:
            continue
    return None  # the state changes constantly; the next change is written


# Limit for sequences of other libraries, such as arrays, and for bytes.
_MOST_ITEMS = 10_000
_MOST_LEVELS = 32
# Longer integers are slow to format, and beyond some length Python refuses.
_MOST_BITS = 1_024


def document_of(members: Mapping[str, object]) -> dict[str, object]:
    """Return a mapping as JSON values.

    Raises:
        RuntimeError: another thread changed the mapping meanwhile.
    """
    return {str(key): written(value) for key, value in members.items()}


def written(value: object, around: tuple[int, ...] = ()) -> object:
    """Return any value as JSON; cycles, excessive depth and unknown objects become text.

    Args:
        value: any object.
        around: identities of the containers around it, outermost first.

    Raises:
        RuntimeError: another thread changed it meanwhile.
    """
    if id(value) in around:
        return f"a {type(value).__name__} that contains itself"
    if len(around) == _MOST_LEVELS:
        return f"a {type(value).__name__}, nested too deeply"
    within = (*around, id(value))
    if isinstance(value, Mapping):
        return {str(key): written(inner, within) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [written(inner, within) for inner in value]
    if isinstance(value, bytes | bytearray | range):  # may be long
        return _of_another_kind(value, within)
    try:
        found = plain(value)
    except TypeError:
        return _of_another_kind(value, within)
    return hex(found) if isinstance(found, int) and found.bit_length() > _MOST_BITS else found


def _of_another_kind(value: object, within: tuple[int, ...]) -> object:
    try:
        if isinstance(value, bytes | bytearray):
            return value.decode(errors="replace") if len(value) <= _MOST_ITEMS else f"{len(value)} bytes"
        if isinstance(value, Iterable) and isinstance(value, Sized) and hasattr(value, "__getitem__"):
            count = len(value)
            return [written(inner, within) for inner in value] if count <= _MOST_ITEMS else f"{count} items"
        return str(value)
    except Exception:  # noqa: BLE001 (foreign objects may raise anything)
        return f"a {type(value).__name__}"
