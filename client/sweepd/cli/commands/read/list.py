"""`sweepctl list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import Output, chosen_rows, row_output, write_chosen, write_rows
from sweepd.cli.problem import not_found, usage_problem
from sweepd.cli.settings import current_settings
from sweepd.spec.wording import close
from sweepd.views.rows import Row
from sweepd.views.text import clean

if TYPE_CHECKING:
    from sweepd.client import Client

_EMPTY = """No sweep yet. The smallest sweep file:

    program: train.py
    method: random
    metric: {name: val_loss}
    parameters:
      learning_rate: {min: 0.001, max: 0.1}

Then: sweepctl run sweep.yaml"""


@click.command(
    cls=Command, examples=("sweepctl list", "sweepctl list acme/mnist --filter state=running -o json")
)
@click.argument("parent", metavar="[ENTITY[/PROJECT]]", default="")
@click.option("--projects", is_flag=True, help="The projects, with how many sweeps and runs each has.")
@click.option("--watch", is_flag=True, help="Go on: redraw on a terminal, append what changed in a pipe.")
@row_output
def command(
    parent: str,
    projects: bool,
    watch: bool,
    output: Output,
) -> None:
    """List sweeps, newest first; or projects by name."""
    from sweepd.views.sweep import SWEEPS

    if projects and watch:
        raise usage_problem("--watch is for sweeps, not for --projects", next_step="sweepctl list --watch")
    with connect(current_settings()) as client:
        if projects:
            _write_projects(client, parent, output)
            return
        if watch:
            from sweepd.cli.live.watching import repeat_rows  # here, as it loads much

            _check_parent(client, parent)
            repeat_rows(lambda: _rows(client, parent, output), output, lambda rows: SWEEPS, key="name")
            return
        rows = _rows(client, parent, output)
        empty = "" if rows else _empty(client, parent)
    _write(rows, output, empty)


def _write_projects(client: Client, parent: str, output: Output) -> None:
    """Write the projects, of one entity if that is named."""
    from sweepd.views.account import PROJECTS, project_shape

    rows = [project_shape(project) for project in client.list_projects(parent)]
    if not rows:
        _check_parent(client, parent)
    write_rows(rows, output, PROJECTS, name="project", empty="No project yet.")


def _rows(client: Client, parent: str, output: Output) -> list[Row]:
    """Return the sweeps that are wanted."""
    from sweepd.views.sweep import SWEEPS, sweep_shape

    return chosen_rows([sweep_shape(sweep) for sweep in client.list_sweeps(parent)], output, SWEEPS)


def _empty(client: Client, parent: str) -> str:
    """Return what to say where nothing is to be shown: a lesson only to whom has no sweep at all."""
    if next(client.list_sweeps(parent), None) is not None:
        return "No such sweep."
    _check_parent(client, parent)
    return f"No sweep of `{clean(parent)}`." if parent else _EMPTY


def _check_parent(client: Client, parent: str) -> None:
    """See that there is an entity or a project of this name, with or without sweeps.

    Raises:
        Problem: there is none.
    """
    from sweepd.cli.failures import PROJECTS_STEP

    if not parent:
        return
    projects = [project.name for project in client.list_projects()]
    entities = [] if "/" in parent else [entity.name for entity in client.list_entities()]
    if parent in (*projects, *entities):
        return
    near = next((name for name in projects if name.partition("/")[2] == parent), None)
    near = near or close(parent, [*projects, *entities])
    raise not_found(
        f"no {'project' if '/' in parent else 'entity'} named {clean(parent)}"
        + (f"; did you mean `{near}`?" if near else ""),
        name=parent,
        next_step=PROJECTS_STEP,
    )


def _write(rows: list[Row], output: Output, empty: str) -> None:
    from sweepd.views.sweep import SWEEPS

    write_chosen(rows, output, SWEEPS, name="name", empty=empty)
