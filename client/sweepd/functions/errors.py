"""Errors of `sweep` and `agent`. Every message says what is wrong and what to do."""

from sweepd.script.errors import Error, UsageError


class SweepError(UsageError, ValueError):
    """Invalid sweep configuration; `findings` has one line per error."""

    def __init__(self, message: str, findings: tuple[str, ...] = ()) -> None:
        super().__init__("\n  ".join((message, *findings)))
        self.findings = findings


class FunctionError(UsageError, TypeError):
    """The function needs arguments or cannot be pickled."""


class AgentError(Error):
    """The agent or the server failed; `exit_code` is that of the command line.

    1 failure · 2 usage · 3 no such sweep · 4 token refused · 6 no server · 9 a guard tripped.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
