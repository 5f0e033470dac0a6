"""Termination of process trees: by a supervisor, and by the watchdog above it.

A supervisor can be killed like any other process, together with its agent. Its descendants then become
children of the watchdog, which is also a subreaper and kills them at once, as nothing else controls them.
Until then, the watchdog sleeps in one system call and shares its memory with the supervisor. If the watchdog
is killed, the supervisor receives `DIED` and ends the run: no run continues with only one of the two.
Both processes load this module, so it imports nothing large.
"""

import os
import signal
import time

from sweepd_agent.process.proc import descendants

# Seconds after which descendants are killed again, as new ones may appear while they are listed.
_KILL_AGAIN = 0.05


class Termination:
    """Termination of all descendants of this process, with a deadline after which they are killed."""

    def __init__(self) -> None:
        self._kill_at = float("inf")

    @property
    def begun(self) -> bool:
        """True if the descendants have been signalled."""
        return self._kill_at != float("inf")

    @property
    def time_left(self) -> float:
        """Seconds until live descendants are killed."""
        return max(0.0, self._kill_at - time.monotonic())

    def terminate(self, grace: float) -> None:
        """Send SIGTERM to all descendants, and kill them after the grace period or at an earlier deadline."""
        self._kill_at = min(self._kill_at, time.monotonic() + grace)
        signal_descendants(signal.SIGTERM)
        signal_descendants(signal.SIGCONT)  # a stopped process handles SIGTERM only once it continues

    def kill(self) -> None:
        """Kill all descendants now, and again shortly afterwards, as new ones may appear meanwhile."""
        self._kill_at = time.monotonic() + _KILL_AGAIN
        signal_descendants(signal.SIGKILL)

    def kill_when_due(self) -> None:
        """Kill the descendants that are left, once the grace period has passed."""
        if time.monotonic() >= self._kill_at:
            self.kill()


def signal_descendants(number: int) -> None:
    """Send a signal to all descendants of this process, in any session or process group."""
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):  # it has ended, or runs as another user (`sudo`)
            continue


DIED = signal.SIGUSR2
"""Signal to a supervisor that its watchdog has died; blocked before the watchdog exists."""
_LOOK_AGAIN = 0.005
# Longest pause between two kills; a process that hangs in the kernel dies when its system call returns.
_LOOK_AGAIN_AT_MOST = 0.5
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def continue_below_watchdog() -> int:
    """Fork: continue in the child, and turn this process into its watchdog; return the watchdog's id.

    Both are subreapers. The watchdog exits with code 0 if the supervisor does, else with code 1.
    """
    watchdog = os.getpid()
    become_subreaper()
    supervisor = os.fork()
    if supervisor == 0:
        become_subreaper()  # this is not inherited
        signal_at_death_of(watchdog, DIED)
        return watchdog
    _release_inherited()
    _, status = os.waitpid(supervisor, 0)
    _kill_descendants()
    os._exit(0 if status == 0 else 1)


def _release_inherited() -> None:
    """Release the agent's pipes and working directory."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _kill_descendants() -> None:
    """Kill all descendants, and wait until they have ended."""
    pause = _LOOK_AGAIN
    while _has_children():
        signal_descendants(signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, _LOOK_AGAIN_AT_MOST)


def _has_children() -> bool:
    """Reap ended children; return True if others are left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def become_subreaper() -> None:
    """Make this process the parent of its orphaned descendants, in any session."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_at_death_of(parent: int, number: signal.Signals) -> None:
    """Set the parent death signal of this process; send it at once if the parent has already ended.

    The setting survives `exec`, unless `exec` gains privileges; children do not inherit it.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _prctl(option: int, value: int) -> None:
    import ctypes  # here, as the agent also loads this module, but does not need ctypes

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
