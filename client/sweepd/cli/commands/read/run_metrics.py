"""Runs with the last values of what they have logged, where a column, a filter or the order asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.cli.output.formats import Output
from sweepd.cli.output.readable import Readable
from sweepd.views.rows import Row
from sweepd.views.run import run_shape
from sweepd.views.values import json_row, logged_value

if TYPE_CHECKING:
    from sweepd.client import Client

_PREFIX = "metrics."
_MOST_RUNS = 1_000
"""Runs whose summaries are asked for at once."""


def runs_with_metrics(
    client: Client, runs: Sequence[v1.Run], output: Output, readable: Readable, *, sweep: str = ""
) -> list[Row]:
    """Return runs in the JSON of `sweepctl`, with `metrics` where something of it is wanted.

    Args:
        client: the server.
        runs: what is shown.
        output: names the values that are wanted.
        readable: keeps the error of what is damaged, for the end.
        sweep: whose runs all of these are; empty: they are asked for one by one.
    """
    rows = [run_shape(run) for run in runs]
    if not any(name.startswith(_PREFIX) for name in (*output.columns, *output.choice.paths)):
        return rows
    logged: dict[str, dict[str, object]] = {run.name: {} for run in runs}
    for summary in readable.of(_summaries(client, list(logged), sweep)):
        if summary.run in logged:
            logged[summary.run][summary.key] = logged_value(summary.last)
    # An empty object might yet get any key; it stands only where nothing tells which keys there are.
    nothing = not any(logged.values())
    return [
        {**row, "metrics": json_row(values)} if (values := logged[run.name]) or nothing else row
        for row, run in zip(rows, runs, strict=True)
    ]


def _summaries(client: Client, runs: Sequence[str], sweep: str) -> Iterator[v1.KeySummary]:
    if sweep:
        yield from client.summaries(sweep=sweep)
        return
    for first in range(0, len(runs), _MOST_RUNS):
        yield from client.summaries(runs=runs[first : first + _MOST_RUNS])
