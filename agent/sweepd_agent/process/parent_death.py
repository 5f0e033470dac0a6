"""Parent-death signals and subreapers, as Linux has them."""

import os
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


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
