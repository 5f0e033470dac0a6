"""The table of docs/wandb.md, as the code would write it."""

from __future__ import annotations

from sweepd.compat.names import NAMES


def table() -> str:
    """Return it, a row for each name."""
    rows = [f"| `{name}` | {known.support} | {known.note} |" for name, known in NAMES.items()]
    return "\n".join(["| name | | |", "|---|---|---|", *rows]) + "\n"
