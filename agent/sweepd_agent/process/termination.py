"""Ends of process trees: the termination that a supervisor carries out, and the watchdog above it.

A supervisor can be killed like any other process, together with its agent. What runs below it then becomes
the watchdog's, which is a subreaper too, and is killed at once: nobody is left to control it. Until then the
watchdog sleeps in one call of the kernel and shares its memory with the supervisor. If the watchdog is
killed, the supervisor receives `DIED` and ends the run: none continues with one of the two.
Both processes load this module, so it loads nothing that is large.
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


DIED = signal.SIGUSR2
"""Signal to a supervisor whose watchdog has died; blocked before it has one."""
_LOOK_AGAIN = 0.005
# A process that hangs in the kernel dies when it comes back.
_LOOK_AGAIN_AT_MOST = 0.5
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def continue_below_watchdog() -> int:
    """Continue in a child of this process, which is its watchdog from now on; return the watchdog's id.

    Both are subreapers. The watchdog ends with the exit code 0 if the supervisor does, else with 1.
    """
    watchdog = os.getpid()
    become_subreaper()
    supervisor = os.fork()
    if supervisor == 0:
        become_subreaper()  # this is not inherited
        signal_at_death_of(watchdog, DIED)
        return watchdog
    _hold_nothing()
    _, status = os.waitpid(supervisor, 0)
    _kill_descendants()
    os._exit(0 if status == 0 else 1)


def _hold_nothing() -> None:
    """Keep neither pipes nor the folder that the agent was started in."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _kill_descendants() -> None:
    """Return once no process descends from this one."""
    pause = _LOOK_AGAIN
    while _has_children():
        signal_descendants(signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, _LOOK_AGAIN_AT_MOST)


def _has_children() -> bool:
    """Collect the children that have ended; return whether others are left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def become_subreaper() -> None:
    """Take in what descendants leave behind when they end, in whatever session it is."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_at_death_of(parent: int, number: signal.Signals) -> None:
    """Have this process signalled when its parent ends, also when that has ended already.

    It stays so over `exec`, unless that gains privileges, and holds for this process alone: children of it
    do not inherit it.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _prctl(option: int, value: int) -> None:
    import ctypes  # here, as the agent knows this module too, and does not need it

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
