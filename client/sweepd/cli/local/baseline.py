"""What a script reaches by itself: one run with its own defaults, for the demonstration to compare with."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from sweepd.cli.local.processes import last_lines
from sweepd.cli.problem import Problem
from sweepd.installing import INSTALL_SERVER

_FILE = "metrics.jsonl"


def best_of(folder: Path, metric: str, *, log: Path) -> float:
    """Return the lowest value of `metric` that a run started by hand in `folder` has logged.

    Raises:
        Problem: it has logged none.
    """
    values = [value for file in folder.glob(f"sweepd-runs/*/{_FILE}") for value in _values(file, metric)]
    if not values:
        cause = last_lines(log, 1)
        missing = "No module named" in cause
        raise Problem(
            message="the demonstration's script does not work here",
            cause=cause,
            next_step=INSTALL_SERVER if missing else "",
        )
    return min(values)


def _values(file: Path, metric: str) -> Iterator[float]:
    for line in file.read_text(encoding="utf-8").splitlines():
        value: object = json.loads(line).get(metric)
        if isinstance(value, float) and math.isfinite(value):
            yield value
