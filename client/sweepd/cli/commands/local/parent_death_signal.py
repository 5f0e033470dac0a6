"""Parent-death-signal wrapper: on Linux, the command that it execs gets SIGTERM when the parent ends."""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Exec the command in `arguments`; the first argument is the process id of the parent."""
    parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit(1)  # the parent ended before the signal was set
    try:
        os.execvp(command[0], command)  # noqa: S606 - the purpose is to become the command
    except OSError as error:
        sys.exit(f"error: {Path(command[0]).name} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
