"""Which runs and series a reader means, in SQL."""

from __future__ import annotations

import json

from sweepd_metric_store.ports import Selection

# Runs come by their id, so that a page can go on behind the last one however many there are.
RUNS_OF_SWEEP = "r.sweep_id = (select id from sweep where name = :sweep) and r.id >= :run_id"
RUNS_NAMED = "r.name in (select value from json_each(:runs)) and r.id >= :run_id"
KEYS = "(:keys is null or k.name in (select value from json_each(:keys)))"


def runs_clause(selection: Selection) -> str:
    """Return the condition on `run r` that selects the runs."""
    return RUNS_OF_SWEEP if selection.sweep else RUNS_NAMED


def parameters(selection: Selection, *, run_id: int = 0) -> dict[str, str | int | None]:
    """Return what the conditions refer to."""
    return {
        "sweep": selection.sweep,
        "runs": json.dumps(sorted(selection.runs)),
        "keys": json.dumps(sorted(selection.keys)) if selection.keys else None,
        "run_id": run_id,
    }
