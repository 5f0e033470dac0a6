"""What the functions of a script raise when they are misused, and for nothing else."""


class Error(Exception):
    """Something that a script asks for cannot be done."""


class UsageError(Error):
    """A function was called with what it does not take."""


class ConfigError(UsageError, ValueError):
    """A value of the configuration was to be replaced without saying so."""
