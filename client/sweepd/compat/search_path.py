"""Where a script finds sweepd under the name of another module: one more folder, first on its path."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FOLDERS: Final = {"wandb": Path(__file__).with_name("on_path")}
_VARIABLE: Final = "PYTHONPATH"


def search_path(compat: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable by which a Python program, and those that it starts, find ours before theirs.

    Args:
        compat: the name of their module.
        environ: the environment of the program; what its path has already stays, behind ours.
    """
    ours, theirs = str(_FOLDERS[compat]), environ.get(_VARIABLE)
    return {_VARIABLE: f"{ours}{os.pathsep}{theirs}" if theirs else ours}
