"""Errors that the functions of a script raise on misuse, and only then."""


class Error(Exception):
    """A request of a script cannot be met."""


class UsageError(Error):
    """A function was called with invalid arguments."""


class ConfigError(UsageError, ValueError):
    """A configuration value would be replaced without `allow_val_change`."""
