"""Environment that scripts for another module find: the search path, and W&B's variables."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

from sweepd.script.beside_sweep import observe

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


PAIRS: Final = {
    f"WANDB_{name}": f"SWEEPD_{name}"
    for name in (
        *("PROJECT", "ENTITY", "NAME", "NOTES", "TAGS", "RUN_GROUP", "JOB_TYPE"),
        *("MODE", "DIR", "RESUME", "SILENT"),
    )
}
"""Variables of W&B that have an effect, and their counterparts."""


_HANDED_OUT: Final = {
    "WANDB_SWEEP_ID": "SWEEPD_SWEEP_ID",
    "WANDB_RUN_ID": "SWEEPD_RUN_ID",
    "WANDB_ENTITY": "SWEEPD_ENTITY",
    "WANDB_PROJECT": "SWEEPD_PROJECT",
    "WANDB_SWEEP_PARAM_PATH": "SWEEPD_SWEEP_PARAM_PATH",
}
_SHORT: Final = ("WANDB_SWEEP_ID", "WANDB_RUN_ID")

_taken: dict[str, str] = {}


def handed_out(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which W&B's agent names a run; scripts check them for a sweep."""
    given = {theirs: environ.get(ours, "") for theirs, ours in _HANDED_OUT.items()}
    return {
        name: value.rpartition("/")[2] if name in _SHORT else value for name, value in given.items() if value
    }


def take_over(environ: MutableMapping[str, str]) -> None:
    """Set our variables from W&B's, unless ours are set otherwise: those of an agent take precedence."""
    observe(environ)
    for theirs, ours in PAIRS.items():
        value, present = environ.get(theirs), environ.get(ours)
        if value and (not present or present == _taken.get(ours)):
            environ[ours] = _taken[ours] = value
