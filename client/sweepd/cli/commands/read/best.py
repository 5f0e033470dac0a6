"""`sweepctl best`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import (
    FORMATS,
    columns_option,
    output_of,
    output_option,
    put,
    write_document,
    write_rows,
)
from sweepd.cli.problem import Problem, not_found
from sweepd.cli.settings import current_settings

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


@click.command(
    cls=Command,
    examples=("sweepctl best k3x9v2ab -n 5", 'eval "python train.py $(sweepctl best k3x9v2ab -o args)"'),
)
@click.argument("sweep", metavar="ID")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="So many runs, the best first.")
@columns_option
@output_option((*FORMATS, "args"))
def command(sweep: str, limit: int | None, columns: str | None, output_format: str) -> None:
    """Show the best run of a sweep by its objective, stopped and live runs included.

    With repeats, without -n, it is the first run of the best point; with -n each run stands for itself.
    `-o args` prints the arguments behind the program just as the agent passed them, quoted for a shell on one
    line. Exit code 8: all runs have failed.
    """
    from sweepd.cli.show.outcome import all_failed, argument_line
    from sweepd.views.run import run_shape, runs_columns

    with connect(current_settings()) as client:
        found = client.find_sweep(sweep)
        runs = _runs(client, found, limit)
        if not runs:
            raise _failed(client, found) if all_failed(found) else _none(found)
        if output_format == "args":
            for run in runs:
                put(argument_line(found.spec, run, current_settings().environ) + "\n")
            return
    rows = [run_shape(run) for run in runs]
    if limit is None and columns is None and output_format in ("json", "yaml"):
        write_document(rows[0], output_format)
        return
    write_rows(rows, output_of(output_format, columns=columns), runs_columns(rows), name="run")


def _runs(client: Client, sweep: v1.Sweep, limit: int | None) -> list[v1.Run]:
    from sweepd.cli.show.outcome import all_failed, best_run

    if all_failed(sweep):
        return []
    if limit is not None:
        return list(client.list_runs(sweep.name, best_first=True, limit=limit))
    best = best_run(client, sweep)
    return [] if best is None else [best]


def _failed(client: Client, sweep: v1.Sweep) -> Problem:
    """Return the problem of a sweep whose runs have all failed, so that none of them is the best."""
    from sweepd.cli.show.outcome import failure_heading, failure_lines

    return Problem(
        message=failure_heading(sweep),
        details=failure_lines(client, sweep),
        next_step=f"`sweepctl runs {sweep.name} --sort best` shows what they had logged",
        exit_code=ExitCode.ENDED_BADLY,
        status="FAILED_PRECONDITION",
    )


def _none(sweep: v1.Sweep) -> Problem:
    from sweepd.cli.show.describe import objective_notice
    from sweepd.views.sweep import sweep_shape

    return not_found(
        f"{sweep.name} has no run with a value yet",
        cause=objective_notice(sweep_shape(sweep)),
        next_step=f"`sweepctl runs {sweep.name}` shows its runs",
    )
