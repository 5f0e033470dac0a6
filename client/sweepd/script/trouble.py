"""What keeps a run from its server: its agent leaves word of it, and its script says it, or the next one."""

import json
from pathlib import Path

from sweepd.regular_files import read_inside
from sweepd.script.notices import print_line

# In the agent's part of the folder of a run, while there is a script to say it.
FILE = Path("agent") / "trouble"
# Beside the folders of runs, once there is none.
LEFT = ".trouble"
_MOST_BYTES = 2**20


def say_trouble(file: Path) -> None:
    """Print what is in a file of either kind, once."""
    try:
        noted = json.loads(read_inside(file.parent, file.name, limit=_MOST_BYTES))
        server, folder, why = (str(noted[name]) for name in ("server", "folder", "why"))
        file.unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return  # there is none, or another script is just saying it
    where = shown(Path(folder))
    again = f"`sweepctl sync {where}` tries again"
    print_line(f"sweepd: {server} has not got all of the run in {where}: {why}; {again}\n")


def shown(path: Path) -> Path:
    """Return a path as people here would write it."""
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return path
    return path.relative_to(here) if path.is_relative_to(here) else path
