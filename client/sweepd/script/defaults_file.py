"""The file of defaults that W&B looks for in the working folder, and that scripts rely on."""

from collections.abc import Mapping
from pathlib import Path

from sweepd.script.config import as_mapping
from sweepd.script.errors import ConfigError
from sweepd.script.notices import Notices

DEFAULTS_FILE = "config-defaults.yaml"


def file_defaults(notices: Notices) -> Mapping[str, object]:
    """Return its values; none where there is no such file, or, with a warning, where it cannot be read."""
    path = Path(DEFAULTS_FILE)
    if not path.is_file():
        return {}
    try:
        return as_mapping(path)
    except ConfigError as error:
        notices.once(DEFAULTS_FILE, f"{error}; its values are left out")
        return {}
