"""`sweepctl list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.output import Output, chosen_rows, output_of, output_option, row_options, write_chosen
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb

if TYPE_CHECKING:
    from sweepd.cli.rows import Row
    from sweepd.client import Client

_EMPTY = """No sweep yet. The smallest sweep file:

    program: train.py
    method: random
    metric: {name: val_loss}
    parameters:
      learning_rate: {min: 0.001, max: 0.1}

Then: sweepctl run sweep.yaml"""


@click.command(
    cls=Verb, examples=("sweepctl list", "sweepctl list acme/mnist --filter state=running -o json")
)
@click.argument("parent", metavar="[ENTITY[/PROJECT]]", default="")
@click.option("--projects", is_flag=True, help="The projects, with how many sweeps and runs each has.")
@click.option("--watch", is_flag=True, help="Go on: redraw on a terminal, append what changed in a pipe.")
@row_options
@output_option()
def command(
    parent: str,
    projects: bool,
    watch: bool,
    columns: str | None,
    sort: str | None,
    filters: tuple[str, ...],
    limit: int | None,
    output_format: str,
) -> None:
    """List sweeps, newest first; or projects by name."""
    from sweepd.cli.connection import connect
    from sweepd.cli.watching import repeat_rows

    if projects and watch:
        raise usage_problem("--watch is for sweeps, not for --projects", next_step="sweepctl list --watch")
    output = output_of(output_format, columns=columns, sort=sort, filters=filters, limit=limit)
    with connect(current_settings()) as client:
        if projects:
            _write_projects(client, parent, output)
            return
        if watch:
            repeat_rows(
                lambda: _rows(client, parent, output), lambda rows: _write(rows, output, ""), key="name"
            )
            return
        rows = _rows(client, parent, output)
        empty = "" if rows else _empty(client, parent)
    _write(rows, output, empty)


def _write_projects(client: Client, parent: str, output: Output) -> None:
    """Write the projects, of one entity if that is named."""
    from sweepd.cli.columns import PROJECTS
    from sweepd.cli.output import write_rows
    from sweepd.cli.shapes import project_shape

    rows = [project_shape(project) for project in client.list_projects(parent)]
    write_rows(rows, output, PROJECTS, name="project", empty="No project yet.")


def _rows(client: Client, parent: str, output: Output) -> list[Row]:
    """Return the sweeps that are wanted."""
    from sweepd.cli.columns import SWEEPS, with_progress
    from sweepd.cli.shapes import sweep_shape

    rows = [sweep_shape(sweep) for sweep in client.list_sweeps(parent)]
    return chosen_rows(rows if output.structured else list(map(with_progress, rows)), output, SWEEPS)


def _empty(client: Client, parent: str) -> str:
    """Return what to say where nothing is to be shown: a lesson only to whom has no sweep at all."""
    from sweepd.cli.text import clean

    if next(client.list_sweeps(parent), None) is not None:
        return "No such sweep."
    if parent and next(client.list_sweeps(), None) is not None:
        return f"No sweep of `{clean(parent)}`."
    return _EMPTY


def _write(rows: list[Row], output: Output, empty: str) -> None:
    from sweepd.cli.columns import SWEEPS

    write_chosen(rows, output, SWEEPS, name="name", empty=empty)
