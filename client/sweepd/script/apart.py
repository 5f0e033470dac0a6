"""Runs of its own that a script begins within a run of a sweep, as W&B's for the folds of a cross-validation.

They take the variables away by which W&B's agent names the run, or have W&B set up anew. `init` is another
run then, and `init` with the id of the one that was handed out comes back to it.
Such runs stay in their folders, since what would bring them to the server ends with the run of the sweep.
"""

from collections.abc import Mapping
from typing import Final

# Who keeps one of them is still in the run: W&B has a run without an id of its own in the sweep, too.
_SIGNS: Final = ("WANDB_RUN_ID", "WANDB_SWEEP_ID")

_seen = False
_anew = False


def see(environ: Mapping[str, str]) -> None:
    """Note whether an agent has named a run by W&B's variables, so that it is seen when they are gone."""
    global _seen
    _seen = _seen or (_has_sign(environ) and "SWEEPD_SWEEP_ID" in environ)


def set_up_anew() -> None:
    """Have the next `init` begin a run of its own, unless it asks for the one that was handed out."""
    global _anew
    _anew = True


def forget() -> None:
    """Have the next `init` begin the run that is handed out then."""
    global _anew
    _anew = False


def is_apart(environ: Mapping[str, str], wanted_id: str | None) -> bool:
    """Return whether `init` is to begin a run of its own, although an agent has handed one out."""
    handed_out = environ.get("SWEEPD_RUN_ID", "").rpartition("/")[2]
    if "SWEEPD_SWEEP_ID" not in environ or wanted_id == handed_out:
        return False
    return not _has_sign(environ) and (_seen or _anew)


def _has_sign(environ: Mapping[str, str]) -> bool:
    return any(name in environ for name in _SIGNS)
