"""Errors of scripts, and the one that names the page about W&B's classes."""

from typing import TYPE_CHECKING, NoReturn


class Error(Exception):
    """A request of a script cannot be met."""


class UsageError(Error):
    """A function was called with invalid arguments."""


class ConfigError(UsageError, ValueError):
    """A configuration value would be replaced without `allow_val_change`."""


class MissingAttributes:
    """Base of classes that scripts know from W&B: a missing member raises an error with a reference."""

    if not TYPE_CHECKING:  # a type checker must still report misspelt names

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"sweepd.{type(self).__name__} has no attribute {name!r}; docs/wandb.md says what it has"
            )
