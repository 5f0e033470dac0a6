"""Version of sweepd."""

from importlib.metadata import PackageNotFoundError, version


def _version() -> str:
    try:
        return version("sweepd")
    except PackageNotFoundError:  # not installed in this environment, imported from the agent's
        return "0"


__version__ = _version()
