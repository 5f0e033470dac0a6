"""Termination of the processes below this one: SIGTERM, a grace period, then SIGKILL until none is left.

Both processes above a trial use it, the supervisor and its watchdog, so it loads nothing that is large.
"""

import os
import signal
import time

from sweepd_agent.process.proc import descendants

# Processes may be born while their list is read: it is read again after so many seconds.
_KILL_AGAIN = 0.05


class Termination:
    """Grace period of all that descends from this process; there is none until something is to end."""

    def __init__(self) -> None:
        self._kill_at = float("inf")

    @property
    def begun(self) -> bool:
        """True if something has been signalled."""
        return self._kill_at != float("inf")

    @property
    def time_left(self) -> float:
        """Seconds until what still lives is killed."""
        return max(0.0, self._kill_at - time.monotonic())

    def terminate(self, grace: float) -> None:
        """Ask all to end, and have them killed after the grace period; an earlier end of it stays."""
        self._kill_at = min(self._kill_at, time.monotonic() + grace)
        signal_descendants(signal.SIGTERM)
        signal_descendants(signal.SIGCONT)  # one that is suspended would not receive it

    def kill(self) -> None:
        """Kill all, and again soon those that were born meanwhile."""
        self._kill_at = time.monotonic() + _KILL_AGAIN
        signal_descendants(signal.SIGKILL)

    def kill_when_due(self) -> None:
        """Kill what is left once the grace period has passed."""
        if time.monotonic() >= self._kill_at:
            self.kill()


def signal_descendants(number: int) -> None:
    """Send a signal to all that descends from this process, in whatever session or process group."""
    for pid, _ in descendants(os.getpid()):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):  # it has ended, or runs as somebody else (`sudo`)
            continue
