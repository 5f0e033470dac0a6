"""Environment of scripts that were written for W&B: the search path, and W&B's variables.

The variables also determine whether a script begins a standalone run inside a run of a sweep, for example a
run for each fold of a cross-validation. A script for W&B does so after it has removed the variables by which
W&B's agent names the run, or has reset W&B's setup: `init` then begins another run, and `init` with the id of
the handed-out run returns to that run. Such standalone runs are stored only in their folders, because the
process that syncs them would end with the run of the sweep.
"""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

from sweepd.script.settings import VARIABLES

_FOLDERS: Final = {"wandb": Path(__file__).with_name("on_path")}
_VARIABLE: Final = "PYTHONPATH"


def search_path(compat: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable by which a Python program and its children import our module, not the original.

    Args:
        compat: name of the original module.
        environ: environment of the program; its search path follows ours.
    """
    ours, theirs = str(_FOLDERS[compat]), environ.get(_VARIABLE)
    return {_VARIABLE: f"{ours}{os.pathsep}{theirs}" if theirs else ours}


PAIRS: Final = {ours.replace("SWEEPD_", "WANDB_"): ours for ours in VARIABLES.values()}
"""Variables of W&B that have an effect, and their counterparts in sweepd."""

# A process with either variable belongs to the handed-out run; W&B may create runs of a sweep without an id.
_MARKERS: Final = ("WANDB_RUN_ID", "WANDB_SWEEP_ID")
_HANDED_OUT: Final = (
    "WANDB_SWEEP_ID",
    "WANDB_RUN_ID",
    "WANDB_ENTITY",
    "WANDB_PROJECT",
    "WANDB_SWEEP_PARAM_PATH",
)

_copied: dict[str, str] = {}


def handed_out(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which W&B's agent identifies a run, and by which scripts detect a sweep."""
    given = {name: environ.get(name.replace("WANDB_", "SWEEPD_"), "") for name in _HANDED_OUT}
    return {
        name: value.rpartition("/")[2] if name in _MARKERS else value
        for name, value in given.items()
        if value
    }


def take_over(environ: MutableMapping[str, str]) -> None:
    """Set our variables from those of W&B, unless another program, such as an agent, has set ours."""
    _observe(environ)
    for theirs, ours in PAIRS.items():
        value, present = environ.get(theirs), environ.get(ours)
        if value and (not present or present == _copied.get(ours)):
            environ[ours] = _copied[ours] = value


_observed = False
_requested = False


def _observe(environ: Mapping[str, str]) -> None:
    """Record whether an agent has set W&B's variables, so that their removal is detected."""
    global _observed
    _observed = _observed or (_has_marker(environ) and "SWEEPD_SWEEP_ID" in environ)


def request_standalone() -> None:
    """Make the next `init` begin a standalone run, unless `init` gets the id of the handed-out run."""
    global _requested
    _requested = True


def forget_request() -> None:
    """Cancel the request for a standalone run."""
    global _requested
    _requested = False


def begins_standalone(environ: Mapping[str, str], wanted_id: str | None) -> bool:
    """Return True if `init` must begin a standalone run although an agent has handed out a run."""
    handed_out = environ.get("SWEEPD_RUN_ID", "").rpartition("/")[2]
    if "SWEEPD_SWEEP_ID" not in environ or wanted_id == handed_out:
        return False
    return not _has_marker(environ) and (_observed or _requested)


def _has_marker(environ: Mapping[str, str]) -> bool:
    return any(name in environ for name in _MARKERS)
