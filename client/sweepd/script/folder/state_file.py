"""JSON file of the newest state, written at a limited rate; conversion of any value to JSON."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path

from sweepd.script.folder.run_folder import write_json
from sweepd.script.row import plain

_MAX_TRIES = 5
# Maximum share of time that is spent on writes after a burst.
_WRITE_SHARE = 0.05


class StateFile:
    """JSON file of the newest state, written when the state changes.

    A change after a quiet interval or in a burst is written at once, others at the end of the interval.
    Bursts are not delayed, because a script may end at any time by `os._exit` or a signal.

    Args:
        path: path of the file.
        content: function that returns the state.
        attempt_to: function that calls a write and handles its OSError.
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
        self._newest_write = object()

    def changed(self) -> None:
        """Write the new state now or at the end of the interval."""
        with self._lock:
            if self._timer is not None:
                return
            now = time.monotonic()
            self._spent = max(0.0, self._spent - (now - self._written) * _WRITE_SHARE)
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
        self._newest_write = token = object()
        document = _snapshot(self._content)
        if document is None:
            return
        self._attempt_to(lambda: write_json(self._path, document))
        if self._newest_write is not token:  # a signal handler has written a newer state in between
            self._write()


def _snapshot(content: Callable[[], Mapping[str, object]]) -> dict[str, object] | None:
    for _ in range(_MAX_TRIES):
        try:
            return document_of(content())
        except RuntimeError:
            continue
    return None  # the state changes constantly; a later change is written


# Maximum length of bytes and of sequences of other libraries, such as arrays.
_MAX_ITEMS = 10_000
_MAX_DEPTH = 32
# Longer integers are slow to format, and Python cannot format very long ones.
_MAX_BITS = 1_024


def document_of(members: Mapping[str, object]) -> dict[str, object]:
    """Return a mapping as JSON values.

    Raises:
        RuntimeError: another thread changed the mapping during the conversion.
    """
    return {str(key): written(value) for key, value in members.items()}


def written(value: object, around: tuple[int, ...] = ()) -> object:
    """Return any value as a JSON value: arrays as lists; cycles, deep nesting and unknown objects as text.

    Args:
        value: any object.
        around: identities of the containers around the value, outermost first.

    Raises:
        RuntimeError: another thread changed the value during the conversion.
    """
    if id(value) in around:
        return f"a {type(value).__name__} that contains itself"
    if len(around) == _MAX_DEPTH:
        return f"a {type(value).__name__}, nested too deeply"
    within = (*around, id(value))
    if isinstance(value, Mapping):
        return {str(key): written(inner, within) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [written(inner, within) for inner in value]
    if isinstance(value, bytes | bytearray | range):  # may be long
        return _of_unknown_type(value, within)
    try:
        found = plain(value)
    except TypeError:
        return _of_unknown_type(value, within)
    return hex(found) if isinstance(found, int) and found.bit_length() > _MAX_BITS else found


def _of_unknown_type(value: object, within: tuple[int, ...]) -> object:
    try:
        if isinstance(value, bytes | bytearray):
            return value.decode(errors="replace") if len(value) <= _MAX_ITEMS else f"{len(value)} bytes"
        if isinstance(value, Iterable) and isinstance(value, Sized) and hasattr(value, "__getitem__"):
            count = len(value)
            return [written(inner, within) for inner in value] if count <= _MAX_ITEMS else f"{count} items"
        return str(value)
    except Exception:  # noqa: BLE001 (foreign objects may raise anything)
        return f"a {type(value).__name__}"
