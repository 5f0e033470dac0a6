"""Runs of a sweep or a project: `sweepctl runs` and `best`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import command
from sweepd.cli.commands.define.creation import agent_command
from sweepd.cli.commands.read.lists import check_parent
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import Problem, Readable, not_found, usage_problem
from sweepd.cli.output.formats import (
    FORMATS,
    Output,
    chosen_rows,
    columns_option,
    output_of,
    output_option,
    put,
    row_output,
    write_chosen,
    write_document,
    write_rows,
)
from sweepd.cli.settings import connect, current_settings
from sweepd.states import RUN_STATES, has_ended, state_of
from sweepd.views.rows import Column, Row
from sweepd.views.run import prior_columns, prior_run_shape, run_shape, runs_columns
from sweepd.views.sweep import sweep_shape
from sweepd.views.text import cell
from sweepd.views.values import json_row, logged_value

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


@command(
    "sweepctl runs k3x9v2ab --sort best --limit 10 --columns number,value,metrics.accuracy",
    "sweepctl runs --project acme/mnist --by-hand --state failed -o json",
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
    help="Instead of ID: all runs of a project, including standalone runs, newest first.",
)
@click.option("--by-hand", "standalone", is_flag=True, help="With --project: only standalone runs.")
@click.option(
    "--prior", is_flag=True, help="With ID: the prior runs that the sweep began with, instead of its runs."
)
@click.option("--watch", is_flag=True, help="Keep watching: redraw on a terminal, append changes in a pipe.")
@row_output
def runs(
    sweep: str,
    states: tuple[str, ...],
    project: str | None,
    standalone: bool,
    prior: bool,
    watch: bool,
    output: Output,
) -> None:
    """List the runs of a sweep by number, or those of a project, with their parameters.

    `--sort best` lists the runs that have a value, best first by the goal of the sweep. `--columns`, `--sort`
    and `--filter` also accept `metrics.KEY`, the last logged value of a metric.
    """
    best_first = output.choice.sort == "best"
    if best_first:
        output = replace(output, choice=replace(output.choice, sort=None))
    _check(sweep, project, standalone=standalone, prior=prior, watch=watch)
    if project:
        if best_first:
            raise usage_problem(
                "--sort best requires a single sweep: values of different sweeps cannot be compared",
                next_step="sweepctl runs ID --sort best",
            )
        _write_project(project, states, output, standalone=standalone)
        return
    if prior:
        _write_prior(sweep, states, output, best_first=best_first)
        return
    with connect() as client:
        name = client.sweep_name(sweep)
        readable = Readable()
        bound = output.choice.bound

        def read() -> list[Row]:
            listed = client.list_runs(name, states=states, best_first=best_first, limit=bound)
            return _with_metrics(client, list(listed), output, readable, sweep=name if bound is None else "")

        if watch:
            from sweepd.cli.show.watching import repeat_rows  # imported here, because it is slow

            repeat_rows(lambda: _chosen(read(), output), output, runs_columns, key="run")
            return
        rows = read()
        empty = "" if rows else _empty(client, name, chosen=bool(states) or best_first)
    chosen = _chosen(rows, output)
    write_chosen(chosen, output, runs_columns(chosen), name="run", empty=empty or "No such run.")
    readable.finish()


def _chosen(rows: list[Row], output: Output) -> list[Row]:
    return chosen_rows(rows, output, runs_columns(rows))


def _check(sweep: str, project: str | None, *, standalone: bool, prior: bool, watch: bool) -> None:
    if bool(sweep) == bool(project):
        raise usage_problem(
            "specify either a sweep or a project", next_step="sweepctl runs ID, or sweepctl runs --project P"
        )
    if standalone and not project:
        raise usage_problem(
            "--by-hand requires --project: a sweep has no standalone runs",
            next_step="sweepctl runs --project P --by-hand",
        )
    if watch and (project or prior):
        raise usage_problem("--watch requires a sweep", next_step="sweepctl runs ID --watch")
    if prior and not sweep:
        raise usage_problem(
            "--prior requires a sweep: a project has no prior runs", next_step="sweepctl runs ID --prior"
        )


def _write_prior(sweep: str, states: tuple[str, ...], output: Output, *, best_first: bool) -> None:
    """Write the prior runs of a sweep."""
    if best_first:
        raise usage_problem(
            "--sort best cannot be used with prior runs", next_step="write --sort value or -value"
        )
    with connect() as client:
        listed = client.list_prior_runs(client.sweep_name(sweep))
        rows = [row for row in map(prior_run_shape, listed) if not states or row["state"] in states]
    chosen = chosen_rows(rows, output, prior_columns(rows))
    write_chosen(chosen, output, prior_columns(chosen), name="run", empty="No prior run.")


def _empty(client: Client, name: str, *, chosen: bool) -> str:
    """Return the message for a sweep without a run to show."""
    if chosen:
        return "No such run."
    sweep = client.get_sweep(name)
    if has_ended(sweep):
        return f"No run; the sweep has ended: {state_of(sweep)}."
    line = agent_command(name, client.address, requires=sweep.spec.requires)
    return f"No run yet. Start an agent:  {line}"


_PREFIX = "metrics."
_MAX_RUNS = 1_000
"""Maximum number of runs in one request for summaries."""


def _with_metrics(
    client: Client, runs: Sequence[v1.Run], output: Output, readable: Readable, *, sweep: str = ""
) -> list[Row]:
    """Return runs in the JSON of `sweepctl`, with `metrics` if the output needs it.

    Args:
        client: client of the server.
        runs: runs to show.
        output: options whose columns, filters and order may need `metrics`.
        readable: collects errors about damaged data, to be reported at the end.
        sweep: the sweep whose summaries to request; empty: request those of each run in `runs`.
    """
    rows = [run_shape(run) for run in runs]
    if not any(name.startswith(_PREFIX) for name in (*output.columns, *output.choice.paths)):
        return rows
    logged: dict[str, dict[str, object]] = {run.name: {} for run in runs}
    for summary in readable.of(_summaries(client, list(logged), sweep)):
        if summary.run in logged:
            logged[summary.run][summary.key] = logged_value(summary.last)
    # Write an empty `metrics` only if no run has logged any key.
    nothing = not any(logged.values())
    return [
        {**row, "metrics": json_row(values)} if (values := logged[run.name]) or nothing else row
        for row, run in zip(rows, runs, strict=True)
    ]


def _summaries(client: Client, runs: Sequence[str], sweep: str) -> Iterator[v1.KeySummary]:
    if sweep:
        yield from client.summaries(sweep=sweep)
        return
    for first in range(0, len(runs), _MAX_RUNS):
        yield from client.summaries(runs=runs[first : first + _MAX_RUNS])


def _write_project(project: str, states: Sequence[str], output: Output, *, standalone: bool) -> None:
    """Write the runs of a project, newest first."""
    from sweepd.calls.sweep_file import project_name

    name = project_name(project, current_settings().default("entity"))
    readable = Readable()
    with connect() as client:
        listed = client.list_runs(
            project=name, states=states, standalone=standalone, limit=output.choice.bound
        )
        rows = _with_metrics(client, list(listed), output, readable)
        if not rows:
            check_parent(client, name)
    chosen = chosen_rows(rows, output, _project_columns(rows))
    write_chosen(chosen, output, _project_columns(chosen), name="run", empty=f"No such run in {name}.")
    readable.finish()


def _project_columns(rows: Sequence[Row]) -> Sequence[Column]:
    """Return the columns for runs of a project, with ids instead of numbers, which repeat across sweeps."""
    return (
        Column("run", "run", lambda name: cell(name).rpartition("/")[2], composed=True),
        *(column for column in runs_columns(rows) if column.path != "number"),
    )


@command("sweepctl best k3x9v2ab -n 5", 'eval "python train.py $(sweepctl best k3x9v2ab -o args)"')
@click.argument("sweep", metavar="ID")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Number of runs, best first.")
@columns_option
@output_option((*FORMATS, "args"))
def best(sweep: str, limit: int | None, columns: str | None, output_format: str) -> None:
    """Show the best run of a sweep by its objective, stopped and live runs included.

    With repeats and without -n, it is the first run of the best point; with -n each run counts separately.
    `-o args` prints the arguments after the program exactly as the agent passed them, quoted for a shell on
    one line. Exit code 8: all runs have failed.
    """
    from sweepd.cli.show.outcome import all_failed, argument_line

    with connect() as client:
        found = client.find_sweep(sweep)
        if all_failed(found):
            raise _all_failed(client, found)
        runs = _best_runs(client, found, limit)
        if not runs:
            raise _no_value(found)
        if output_format == "args":
            for run in runs:
                put(argument_line(found.spec, run, current_settings().environ) + "\n")
            return
    rows = [run_shape(run) for run in runs]
    if limit is None and columns is None and output_format in ("json", "yaml"):
        write_document(rows[0], output_format)
        return
    write_rows(rows, output_of(output_format, columns=columns), runs_columns(rows), name="run")


def _best_runs(client: Client, sweep: v1.Sweep, limit: int | None) -> list[v1.Run]:
    from sweepd.cli.show.outcome import best_run

    if limit is not None:
        return list(client.list_runs(sweep.name, best_first=True, limit=limit))
    best = best_run(client, sweep)
    return [] if best is None else [best]


def _all_failed(client: Client, sweep: v1.Sweep) -> Problem:
    """Return the problem for a sweep that has no best run because all its runs have failed."""
    from sweepd.cli.show.outcome import failure_heading, failure_lines

    return Problem(
        message=failure_heading(sweep),
        details=failure_lines(client, sweep),
        next_step=f"`sweepctl runs {sweep.name} --sort best` shows the values that they logged",
        exit_code=ExitCode.ENDED_BADLY,
        status="FAILED_PRECONDITION",
    )


def _no_value(sweep: v1.Sweep) -> Problem:
    from sweepd.cli.show.describe import objective_notice

    return not_found(
        f"{sweep.name} has no run with a value yet",
        cause=objective_notice(sweep_shape(sweep)),
        next_step=f"`sweepctl runs {sweep.name}` shows its runs",
    )
