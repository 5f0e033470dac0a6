"""Errors of the functions for scripts, sweeps and agents; each message says what is wrong and what to do."""

from typing import TYPE_CHECKING, NoReturn


class Error(Exception):
    """A request of a script cannot be met."""


class UsageError(Error):
    """A function was called with invalid arguments."""


class ConfigError(UsageError, ValueError):
    """A configuration value would be replaced without `allow_val_change`."""


class MissingAttributes:
    """Base of counterparts of W&B's classes; the error for a missing attribute refers to the manual."""

    if not TYPE_CHECKING:  # a type checker must still report misspelt names

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"sweepd.{type(self).__name__} has no attribute {name!r}; docs/wandb.md lists its attributes"
            )


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
