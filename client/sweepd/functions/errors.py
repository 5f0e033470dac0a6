"""What `sweep` and `agent` raise. Every message says what is wrong and what to do."""

from sweepd.script.errors import Error, UsageError


class SweepError(UsageError, ValueError):
    """The configuration makes no sweep; `findings` has a line for each thing that is wrong in it."""

    def __init__(self, message: str, findings: tuple[str, ...] = ()) -> None:
        super().__init__("\n  ".join((message, *findings)))
        self.findings = findings


class FunctionError(UsageError, TypeError):
    """The function cannot be called as runs call it, or cannot be taken to another process."""


class AgentError(Error):
    """The agent or the server did not do what was asked; `exit_code` is that of the command line.

    1 failure · 2 usage · 3 no such sweep · 4 token refused · 6 no server · 9 a guard tripped.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
