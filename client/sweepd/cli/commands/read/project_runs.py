"""Runs of a project, and runs with the last values of what they have logged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls.sweep_file import project_name
from sweepd.cli.connection import connect
from sweepd.cli.failures import PROJECTS_STEP
from sweepd.cli.output.formats import Output, chosen_rows, write_chosen
from sweepd.cli.output.readable import Readable
from sweepd.cli.problem import not_found
from sweepd.cli.settings import Settings
from sweepd.spec.wording import close
from sweepd.views.rows import Column, Row
from sweepd.views.run import run_shape, runs_columns
from sweepd.views.text import cell
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


if TYPE_CHECKING:
    from sweepd.client import Client


def write_project(
    settings: Settings, project: str, states: Sequence[str], output: Output, *, by_hand: bool
) -> None:
    """Write the runs of a project, the newest first."""
    name = project_name(project, settings.default("entity"))
    readable = Readable()
    with connect(settings) as client:
        listed = client.list_runs(project=name, states=states, standalone=by_hand, limit=output.choice.bound)
        rows = runs_with_metrics(client, list(listed), output, readable)
        if not rows:
            _check_exists(client, name)
    chosen = chosen_rows(rows, output, _columns(rows))
    write_chosen(chosen, output, _columns(chosen), name="run", empty=f"No such run in {name}.")
    readable.finish()


def _columns(rows: Sequence[Row]) -> Sequence[Column]:
    """Return the columns of a sweep's runs, with ids in the place of numbers, which several have."""
    return (
        Column("run", "run", lambda name: cell(name).rpartition("/")[2], composed=True),
        *(column for column in runs_columns(rows) if column.path != "number"),
    )


def _check_exists(client: Client, project: str) -> None:
    """Tell a project without such runs from one that does not exist.

    Raises:
        Problem: there is none of this name.
    """
    known = [each.name for each in client.list_projects()]
    if project not in known:
        near = close(project, known)
        raise not_found(
            f"no project named {project}" + (f"; did you mean `{near}`?" if near else ""),
            name=project,
            next_step=PROJECTS_STEP,
        )
