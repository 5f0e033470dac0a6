"""Failure to sync a standalone run: its agent records it, and its script or the next one prints it."""

import json
from pathlib import Path

from sweepd.regular_files import read_inside
from sweepd.script.notices import print_line

# In the folder of the run, while its script can print it.
FILE = Path("agent") / "trouble"
# Beside the folders of runs, once its script has ended.
LEFT = ".trouble"
_MAX_BYTES = 2**20


def print_failure(file: Path) -> None:
    """Print the failure in a file of either kind, and remove the file."""
    try:
        failure = json.loads(read_inside(file.parent, file.name, limit=_MAX_BYTES))
        server, folder, why = (str(failure[name]) for name in ("server", "folder", "why"))
        file.unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return  # absent, or another script prints it
    where = relative_to_here(Path(folder))
    again = f"`sweepctl sync {where}` tries again"
    print_line(f"sweepd: {server} has not got all of the run in {where}: {why}; {again}\n")


def relative_to_here(path: Path) -> Path:
    """Return the path relative to the working directory if it is below it."""
    try:
        here = Path.cwd()
    except OSError:  # the working directory was removed
        return path
    return path.relative_to(here) if path.is_relative_to(here) else path
