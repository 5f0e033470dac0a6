"""Folder on the search path in which scripts find sweepd under the name of another module."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FOLDERS: Final = {"wandb": Path(__file__).with_name("on_path")}
_VARIABLE: Final = "PYTHONPATH"


def search_path(compat: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable by which a Python program and its children import our module before the original.

    Args:
        compat: name of the original module.
        environ: environment of the program; its search path stays, after ours.
    """
    ours, theirs = str(_FOLDERS[compat]), environ.get(_VARIABLE)
    return {_VARIABLE: f"{ours}{os.pathsep}{theirs}" if theirs else ours}
