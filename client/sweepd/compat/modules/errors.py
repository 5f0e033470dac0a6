"""Exceptions that scripts expect in W&B's module."""

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
    """Failure to reach a server; functions that a training script calls never raise it."""


class AuthenticationError(CommError):
    """Missing or rejected token."""


class MailboxError(Error):
    """Error of W&B's service process; never raised by sweepd."""


class WandbCoreNotAvailableError(Error):
    """Error about W&B's missing service process; never raised by sweepd."""


class UnsupportedError(UsageError):
    """Request for an unsupported feature."""


class NotSupportedError(UnsupportedError, AttributeError):
    """Use of an unsupported name of W&B's module; also an AttributeError, so that `hasattr` returns False."""
