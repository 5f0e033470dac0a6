"""Values in lines of output, by a regular expression with named groups; one that takes too long is given up.

A pattern may take exponential time on some lines. Matching looks for signals now and then, so an alarm ends
it; that needs the main thread. The work of one line is bounded by that, and that of all slow lines together,
as the agent does nothing else meanwhile. Both are processor time: a busy machine is no fault of a pattern.
"""

import re
import signal
import threading
import time
from types import FrameType

from sweepd.metrics_from.row import Row, number_of, row_of

MAX_LINE = 4_096
"""Characters of a line that are looked at."""
MATCH_WITHIN = 0.05
"""Seconds of processor time that the match of one line may take."""
SLOW = 0.005
"""Seconds of processor time from which a line is a slow one."""
MOST_SLOW = 1.0
"""Seconds that slow lines may take in all."""


class TooSlowError(Exception):
    """The pattern takes too long; the message is a sentence."""


class LinePattern:
    """Reads lines. `pattern` was checked when the sweep was created: it compiles, and has a named group."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._slow = 0.0
        self._bounded = threading.current_thread() is threading.main_thread()

    def read(self, line: str) -> Row | None:
        """Return the numbers of the groups that have matched; None if there are none.

        Raises:
            TooSlowError: the match took too long, or all of them together.
        """
        begun = time.thread_time()
        found = self._search(line[:MAX_LINE])
        self._count(time.thread_time() - begun)
        if found is None:
            return None
        numbers = {
            name: number
            for name, text in found.groupdict().items()
            if text is not None and (number := number_of(text)) is not None
        }
        return row_of(numbers)

    def _count(self, taken: float) -> None:
        if taken < SLOW:
            return
        self._slow += taken
        if self._slow > MOST_SLOW:
            raise TooSlowError(
                f"lines on which its pattern takes more than {SLOW * 1000:g} ms have taken {MOST_SLOW:g} s; "
                "it is read no more"
            )

    def _search(self, line: str) -> "re.Match[str] | None":
        if not self._bounded:
            return self._pattern.search(line)
        try:
            before = signal.signal(signal.SIGVTALRM, _ring)
            try:
                signal.setitimer(signal.ITIMER_VIRTUAL, MATCH_WITHIN)
                return self._pattern.search(line)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                signal.signal(signal.SIGVTALRM, before)
        except _RungError:
            raise TooSlowError(
                f"its pattern takes more than {MATCH_WITHIN * 1000:g} ms on a line; it is read no more"
            ) from None


class _RungError(Exception):
    pass


def _ring(number: int, frame: FrameType | None) -> None:
    raise _RungError
