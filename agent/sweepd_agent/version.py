"""Version of the installed sweepd, found without the parsers that `importlib.metadata` loads."""

import sys
from pathlib import Path

_PREFIX, _SUFFIX = "sweepd-", ".dist-info"


def installed_version() -> str:
    """Return the version by the name of the distribution's folder; `unknown` if there is none."""
    for entry in sys.path:
        for folder in Path(entry or ".").glob(f"{_PREFIX}*{_SUFFIX}"):
            return folder.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    return "unknown"
