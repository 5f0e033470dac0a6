"""Runs of a project: those of its sweeps, and standalone ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweepd.calls.placement import project_name
from sweepd.calls.states import run_states
from sweepd.cli.commands.read.run_metrics import runs_with_metrics
from sweepd.cli.connection import connect
from sweepd.cli.failures import PROJECTS_STEP
from sweepd.cli.output.formats import Output, chosen_rows, write_chosen
from sweepd.cli.output.readable import Readable
from sweepd.cli.problem import not_found
from sweepd.cli.settings import Settings
from sweepd.spec.wording import close
from sweepd.views.column import Column
from sweepd.views.rows import Row
from sweepd.views.run import runs_columns
from sweepd.views.text import cell

if TYPE_CHECKING:
    from sweepd.client import Client


def write_project(
    settings: Settings, project: str, states: Sequence[str], output: Output, *, by_hand: bool
) -> None:
    """Write the runs of a project, the newest first."""
    name = project_name(project, settings.told("entity"))
    readable = Readable()
    with connect(settings) as client:
        listed = client.list_runs(
            project=name, states=run_states(states), standalone=by_hand, limit=output.choice.bound
        )
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
