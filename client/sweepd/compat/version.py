"""The version of sweepd, as scripts ask for it."""

from importlib.metadata import PackageNotFoundError, version


def _version() -> str:
    try:
        return version("sweepd")
    except PackageNotFoundError:  # found beside the module, in an environment without it
        return "0"


__version__ = _version()
