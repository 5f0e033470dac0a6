"""Exit codes, which scripts rely on."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit code of a command; the agent uses the same numbers."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    INVALID = 5
    UNREACHABLE = 6
    NOT_YET = 7
    ENDED_BADLY = 8
    GUARD_TRIPPED = 9
    INTERRUPTED = 130
