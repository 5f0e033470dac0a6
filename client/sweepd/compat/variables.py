"""Settings that a script's surroundings give under W&B's names."""

from collections.abc import Mapping, MutableMapping
from typing import Final

from sweepd.script.beside_sweep import observe

PAIRS: Final = {
    f"WANDB_{name}": f"SWEEPD_{name}"
    for name in (
        *("PROJECT", "ENTITY", "NAME", "NOTES", "TAGS", "RUN_GROUP", "JOB_TYPE"),
        *("MODE", "DIR", "RESUME", "SILENT"),
    )
}
"""Each of W&B's variables that means something here, and ours of that meaning."""


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
    """Return the variables by which an agent of W&B names a run: scripts ask them if they are in a sweep."""
    said = {theirs: environ.get(ours, "") for theirs, ours in _HANDED_OUT.items()}
    return {
        name: value.rpartition("/")[2] if name in _SHORT else value for name, value in said.items() if value
    }


def take_over(environ: MutableMapping[str, str]) -> None:
    """Set our variables by W&B's, where nobody else has set ours: those of an agent win."""
    observe(environ)
    for theirs, ours in PAIRS.items():
        value, present = environ.get(theirs), environ.get(ours)
        if value and (not present or present == _taken.get(ours)):
            environ[ours] = _taken[ours] = value
