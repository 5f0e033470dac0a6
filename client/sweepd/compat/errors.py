"""The exceptions that scripts expect of W&B's module; those of sweepd are among them."""

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
    """A server could not be reached; never raised by what a training calls."""


class AuthenticationError(CommError):
    """A token is missing or was refused."""


class MailboxError(Error):
    """Never raised; there is no service process."""


class WandbCoreNotAvailableError(Error):
    """Never raised; there is no service process."""


class UnsupportedError(UsageError):
    """Something is asked for that there is not."""


class NotSupportedError(UnsupportedError, AttributeError):
    """A name of W&B's module is used that sweepd refuses; to `hasattr`, its parts are not there."""
