"""A file that is replaced as a whole whenever what it tells has changed, and not more often than needed."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sweepd.script.document import document_of
from sweepd.script.folder import write_json

_TRIES = 5
# Of the time, writing may take this share once what may be written at once is used up.
_SHARE = 0.05


class StateFile:
    """Brings the newest state to the file: at once if it has been quiet, else at the end of the interval.

    A script may end at any time, by `os._exit` or a signal: some changes in a row are written at once, too.

    Args:
        path: the file.
        content: returns the state.
        attempt_to: carries out a write, or says what is lost.
        interval: seconds between two writes; 0: each change is written at once.
        burst: seconds of writing that may follow one another without an interval between them.
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
        # Seconds that recent writes have taken.
        self._spent = 0.0
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._written = float("-inf")
        self._newest = object()

    def changed(self) -> None:
        """Take note that the state is another one."""
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

    def changed_a_little(self) -> None:
        """Record a change that can wait for the end of the interval: there are many like it."""
        with self._lock:
            if self._timer is None:
                self._write_later(self._interval)

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
        self._newest = mine = object()
        document = _snapshot(self._content)
        if document is None:
            return
        self._attempt_to(lambda: write_json(self._path, document))
        if self._newest is not mine:  # a signal handler has written in between, and this went over it
            self._write()


def _snapshot(content: Callable[[], Mapping[str, object]]) -> dict[str, object] | None:
    for _ in range(_TRIES):
        try:
            return document_of(content())
        except RuntimeError:
            continue
    return None  # it changes all the time, so the next change is near
