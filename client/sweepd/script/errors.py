"""Errors that the functions for scripts, sweeps and agents raise."""

from typing import TYPE_CHECKING, NoReturn


class Error(Exception):
    """Base class of the errors that sweepd raises in a script."""


class UsageError(Error):
    """Call of a function with invalid arguments."""


class ConfigError(UsageError, ValueError):
    """Invalid configuration, or attempt to replace a value without `allow_val_change`."""


class MissingAttributes:
    """Base class of the counterparts of W&B's classes; its error for a missing attribute names the manual."""

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
    """Function that needs arguments, cannot be pickled, or is async with `in_process=True`."""


class AgentError(Error):
    """Failure of the agent or the server; `exit_code` is an exit code of the command line.

    1 failure · 2 usage · 3 not found · 4 access denied · 5 invalid sweep · 6 no server · 9 a guard tripped.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
