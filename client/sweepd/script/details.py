"""The file in which a script tells its agent what it says of its run besides metrics."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path

from sweepd.script.folder import write_json
from sweepd.script.row import plain

FILE_NAME = "details.json"
_INTERVAL = 0.5
_TRIES = 5
# Of lists of another library, such as arrays.
_MOST_ITEMS = 10_000


class DetailsFile:
    """Brings the newest state to the file: at once if it has been quiet, else half a second later.

    Args:
        path: the file, replaced as a whole.
        content: returns the state.
        attempt_to: carries out a write, or says what is lost.
    """

    def __init__(
        self,
        path: Path,
        content: Callable[[], Mapping[str, object]],
        attempt_to: Callable[[Callable[[], None]], None],
    ) -> None:
        self._path = path
        self._content = content
        self._attempt_to = attempt_to
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._written = float("-inf")

    def changed(self) -> None:
        """Take note that the state is another one."""
        with self._lock:
            if self._timer is not None:
                return
            wait = self._written + _INTERVAL - time.monotonic()
            if wait > 0 and self._write_later(wait):
                return
            self._write()

    def flush(self) -> None:
        """Bring a change that still waits to the file."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._write()

    def _write_later(self, wait: float) -> bool:
        timer = threading.Timer(wait, self.flush)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # the interpreter is ending, or there are no more threads
            return False
        self._timer = timer
        return True

    def _write(self) -> None:
        self._timer = None
        self._written = time.monotonic()
        document = self._snapshot()
        if document is not None:
            self._attempt_to(lambda: write_json(self._path, document))

    def _snapshot(self) -> dict[str, object] | None:
        for _ in range(_TRIES):
            try:
                return {key: written(value) for key, value in self._content().items()}
            except RuntimeError:
                continue
        return None  # it changes all the time, so the next change is near


def written(value: object) -> object:
    """Return a value as JSON, as text where nothing in JSON stands for it."""
    if isinstance(value, Mapping):
        return {str(key): written(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [written(inner) for inner in value]
    try:
        return plain(value)
    except (TypeError, RecursionError):
        pass
    if isinstance(value, Iterable) and isinstance(value, Sized) and hasattr(value, "__getitem__"):
        return [written(inner) for inner in value] if len(value) <= _MOST_ITEMS else f"{len(value)} items"
    return str(value)
