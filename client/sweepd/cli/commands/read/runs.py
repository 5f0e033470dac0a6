"""`sweepctl runs`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import Output, chosen_rows, row_output, write_chosen
from sweepd.cli.output.readable import Readable
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import Settings, current_settings
from sweepd.states import RUN_STATES, has_ended, state_of
from sweepd.views.rows import Row

if TYPE_CHECKING:
    from sweepd.client import Client


@click.command(
    cls=Command,
    examples=(
        "sweepctl runs k3x9v2ab --sort best --limit 10 --columns number,value,metrics.accuracy",
        "sweepctl runs --project acme/mnist --by-hand --state failed -o json",
    ),
)
@click.argument("sweep", metavar="[ID]", default="")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(RUN_STATES),
    help="Only runs in this state. Repeatable.",
)
@click.option(
    "--project",
    metavar="[ENTITY/]PROJECT",
    help="Instead of ID: all runs of a project, of its sweeps and standalone, the newest first.",
)
@click.option(
    "--by-hand", is_flag=True, help="With --project: only standalone runs, which belong to no sweep."
)
@click.option("--prior", is_flag=True, help="With ID: the runs of elsewhere that it began with, not its own.")
@click.option("--watch", is_flag=True, help="Follow: redraw on a terminal, append what changed in a pipe.")
@row_output
def command(
    sweep: str,
    states: tuple[str, ...],
    project: str | None,
    by_hand: bool,
    prior: bool,
    watch: bool,
    output: Output,
) -> None:
    """List the runs of a sweep by number, or those of a project, with their parameters.

    `--sort best` lists those that have a value, the best first by the goal of the sweep. `--columns`,
    `--sort` and `--filter` also know `metrics.KEY`, the last value of what was logged.
    """
    from sweepd.cli.commands.read.project_runs import runs_with_metrics, write_project
    from sweepd.views.run import runs_columns

    settings = current_settings()
    best_first = output.choice.sort == "best"
    if best_first:
        output = replace(output, choice=replace(output.choice, sort=None))
    _check(sweep, project, by_hand=by_hand, prior=prior, watch=watch)
    if project:
        if best_first:
            raise usage_problem(
                "--sort best is for one sweep: the values of several cannot be compared",
                next_step="sweepctl runs ID --sort best",
            )
        write_project(settings, project, states, output, by_hand=by_hand)
        return
    if prior:
        _write_prior(sweep, states, output, best_first=best_first)
        return
    with connect(settings) as client:
        name = client.sweep_name(sweep)
        readable = Readable()
        bound = output.choice.bound

        def read() -> list[Row]:
            listed = client.list_runs(name, states=states, best_first=best_first, limit=bound)
            return runs_with_metrics(
                client, list(listed), output, readable, sweep=name if bound is None else ""
            )

        if watch:
            from sweepd.cli.live.watching import repeat_rows  # here, as it loads much

            repeat_rows(lambda: _chosen(read(), output), output, runs_columns, key="run")
            return
        rows = read()
        empty = "" if rows else _empty(client, name, settings, chosen=bool(states) or best_first)
    chosen = _chosen(rows, output)
    write_chosen(chosen, output, runs_columns(chosen), name="run", empty=empty or "No such run.")
    readable.finish()


def _chosen(rows: list[Row], output: Output) -> list[Row]:
    from sweepd.views.run import runs_columns

    return chosen_rows(rows, output, runs_columns(rows))


def _check(sweep: str, project: str | None, *, by_hand: bool, prior: bool, watch: bool) -> None:
    if bool(sweep) == bool(project):
        raise usage_problem(
            "name either a sweep or a project", next_step="sweepctl runs ID, or sweepctl runs --project P"
        )
    if by_hand and not project:
        raise usage_problem(
            "--by-hand goes with --project: a sweep has no such runs",
            next_step="sweepctl runs --project P --by-hand",
        )
    if watch and (project or prior):
        raise usage_problem("--watch is for the runs of a sweep", next_step="sweepctl runs ID --watch")
    if prior and not sweep:
        raise usage_problem(
            "--prior goes with a sweep: a project has no such runs", next_step="sweepctl runs ID --prior"
        )


def _write_prior(sweep: str, states: tuple[str, ...], output: Output, *, best_first: bool) -> None:
    """Write the runs that a sweep began with."""
    from sweepd.views.run import prior_columns, prior_run_shape

    if best_first:
        raise usage_problem("--sort best is for a sweep's own runs", next_step="write --sort value or -value")
    with connect(current_settings()) as client:
        listed = client.list_prior_runs(client.sweep_name(sweep))
        rows = [row for row in map(prior_run_shape, listed) if not states or row["state"] in states]
    chosen = chosen_rows(rows, output, prior_columns(rows))
    write_chosen(chosen, output, prior_columns(chosen), name="run", empty="No prior run.")


def _empty(client: Client, name: str, settings: Settings, *, chosen: bool) -> str:
    """Return what to say of a sweep that has no run to show."""
    from sweepd.cli.commands.define.creation import agent_command

    if chosen:
        return "No such run."
    sweep = client.get_sweep(name)
    if has_ended(sweep):
        return f"No run; the sweep has ended: {state_of(sweep)}."
    line = agent_command(name, client.address, settings, requires=sweep.spec.requires)
    return f"No run yet. Start an agent:  {line}"
