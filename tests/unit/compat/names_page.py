"""The table of docs/wandb.md, as the code would write it."""

from __future__ import annotations

from sweepd.compat.names import NAMES, RUN_MEMBERS


def table() -> str:
    """Return it, a row for each name."""
    rows = [f"| `{name}` | {known.support} | {known.note} |" for name, known in NAMES.items()]
    return "\n".join(["| name | what becomes of it | what to know |", "|---|---|---|", *rows]) + "\n"


def members() -> str:
    """Return the table of the members of a run, a row for each kind of support."""
    rows = [
        f"| {support} | {', '.join(f'`{name}`' for name in names)} |"
        for support, names in RUN_MEMBERS.items()
    ]
    return "\n".join(["| | members |", "|---|---|", *rows]) + "\n"
