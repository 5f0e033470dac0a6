"""Settings that a script's surroundings give under W&B's names."""

from collections.abc import MutableMapping
from typing import Final

PAIRS: Final = {
    f"WANDB_{name}": f"SWEEPD_{name}"
    for name in (
        *("PROJECT", "ENTITY", "NAME", "NOTES", "TAGS", "RUN_GROUP", "JOB_TYPE"),
        *("MODE", "DIR", "RESUME", "SILENT"),
    )
}
"""Each of W&B's variables that means something here, and ours of that meaning."""


_taken: dict[str, str] = {}


def take_over(environ: MutableMapping[str, str]) -> None:
    """Set our variables by W&B's, where nobody else has set ours: those of an agent win."""
    for theirs, ours in PAIRS.items():
        value, present = environ.get(theirs), environ.get(ours)
        if value and (not present or present == _taken.get(ours)):
            environ[ours] = _taken[ours] = value
