"""Which version of sweepd is installed, without the parsers that `importlib.metadata` brings along."""

import sys
from pathlib import Path

_PREFIX, _SUFFIX = "sweepd-", ".dist-info"


def installed_version() -> str:
    """Return the version by the name of the distribution's folder; `unknown` if there is none."""
    for entry in sys.path:
        for folder in Path(entry or ".").glob(f"{_PREFIX}*{_SUFFIX}"):
            return folder.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    return "unknown"
