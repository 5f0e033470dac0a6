"""The tables of docs/wandb.md, generated from the code."""

from __future__ import annotations

from sweepd.compat.names import NAMES
from unit.compat.members import Members


def table() -> str:
    """Return the table of names, one row each."""
    rows = [f"| `{name}` | {known.support} | {known.note} |" for name, known in NAMES.items()]
    return "\n".join(["| name | support | remarks |", "|---|---|---|", *rows]) + "\n"


def members(known: Members) -> str:
    """Return the table of the members of a class, one row for each kind of support."""
    rows = [f"| {support} | {', '.join(f'`{name}`' for name in names)} |" for support, names in known.items()]
    return "\n".join(["| | members |", "|---|---|", *rows]) + "\n"
