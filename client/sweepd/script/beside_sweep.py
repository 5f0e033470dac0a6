"""Standalone runs that a script begins inside a run of a sweep.

A cross-validation written for W&B, for instance, has one for each fold. Such a script removes the variables
by which W&B's agent names the run, or has W&B set up again. `init` then begins another run; `init` with the
id of the run that was handed out returns to that one. These runs stay in their folders, because the process
that syncs them would end with the run of the sweep.
"""

from collections.abc import Mapping
from typing import Final

# A process with either of them is still in the run: W&B itself creates sweep runs without an id.
_MARKERS: Final = ("WANDB_RUN_ID", "WANDB_SWEEP_ID")

_observed = False
_requested = False


def observe(environ: Mapping[str, str]) -> None:
    """Record whether an agent has named a run by W&B's variables, to notice when they are removed."""
    global _observed
    _observed = _observed or (_has_marker(environ) and "SWEEPD_SWEEP_ID" in environ)


def request_standalone() -> None:
    """Make the next `init` begin a standalone run, unless it asks for the run that was handed out."""
    global _requested
    _requested = True


def reset() -> None:
    """Make the next `init` begin the run that is handed out then."""
    global _requested
    _requested = False


def begins_standalone(environ: Mapping[str, str], wanted_id: str | None) -> bool:
    """Return whether `init` is to begin a standalone run although an agent has handed one out."""
    handed_out = environ.get("SWEEPD_RUN_ID", "").rpartition("/")[2]
    if "SWEEPD_SWEEP_ID" not in environ or wanted_id == handed_out:
        return False
    return not _has_marker(environ) and (_observed or _requested)


def _has_marker(environ: Mapping[str, str]) -> bool:
    return any(name in environ for name in _MARKERS)
