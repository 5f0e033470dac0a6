"""Watchdog of a supervisor: the process above it, which ends all that it leaves behind when it is killed.

A supervisor can be killed like any other process, together with its agent. What runs below it then becomes
the watchdog's, which is a subreaper too, and is killed at once: nobody is left to control it. Until then the
watchdog sleeps in one call of the kernel and shares its memory with the supervisor. If the watchdog is
killed, the supervisor receives `DIED` and ends the run: none continues with one of the two.
"""

import os
import signal
import time

from sweepd_agent.process.termination import signal_descendants

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
