"""Exceptions that scripts expect in W&B's module, including sweepd's own."""

from sweepd.script.errors import ConfigError, Error, UsageError

__all__ = [
    "AuthenticationError",
    "CommError",
    "ConfigError",
    "Error",
    "MailboxError",
    "NotSupportedError",
    "UnsupportedError",
    "UsageError",
    "WandbCoreNotAvailableError",
]


class CommError(Error):
    """A server could not be reached; not raised by functions that a training calls."""


class AuthenticationError(CommError):
    """A token is missing or was refused."""


class MailboxError(Error):
    """Never raised: there is no service process."""


class WandbCoreNotAvailableError(Error):
    """Never raised: there is no service process."""


class UnsupportedError(UsageError):
    """An unsupported feature was requested."""


class NotSupportedError(UnsupportedError, AttributeError):
    """An unsupported name of W&B's module was used; `hasattr` returns False for its members."""
