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


def take_over(environ: MutableMapping[str, str]) -> None:
    """Set our variables by W&B's, where ours are not set: those of an agent win."""
    for theirs, ours in PAIRS.items():
        if environ.get(theirs) and not environ.get(ours):
            environ[ours] = environ[theirs]
