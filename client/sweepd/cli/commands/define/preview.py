"""`sweepctl preview`."""

from __future__ import annotations

from dataclasses import replace

import click

from sweepd.calls.sweep_file import read_sweep
from sweepd.cli.command import command
from sweepd.cli.commands.define.preview_text import (
    Cost,
    columns,
    line_shape,
    preview_shape,
    run_shape,
    summary,
)
from sweepd.cli.commands.define.prior_options import (
    PriorOptions,
    preview_on_server,
    prior_options,
    write_report,
)
from sweepd.cli.commands.define.validate import checked_spec, error_format_option
from sweepd.cli.failures import option_seconds, usage_problem
from sweepd.cli.output.formats import note, output_of, output_option, write_document, write_rows
from sweepd.spec.preview import Preview, first_runs, preview
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.views.text import clean


@command(
    "sweepctl preview sweep.yaml -n 20",
    "sweepctl preview sweep.yaml -n 3 -o jsonl --run-time 10m --slots 4 --prior-sweep k3x9v2ab",
)
@click.argument("file", metavar="FILE")
@click.option(
    "-n",
    "--number",
    type=click.IntRange(0, 1_000_000),
    default=10,
    metavar="N",
    show_default=True,
    help="Number of runs to show.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Seed to use instead of the file's."
)
@click.option(
    "--run-time", metavar="DURATION", help="Duration of one run; adds an estimate of the sweep's cost."
)
@click.option(
    "--slots", type=click.IntRange(min=1), metavar="N", help="Number of concurrent runs; 1 by default."
)
@click.option(
    "--interpreter", default="python", show_default=True, help="Value of ${interpreter} on the agents."
)
@error_format_option
@prior_options
@output_option(("table", "wide", "json", "jsonl", "yaml", "csv"))
def preview_(
    file: str,
    number: int,
    seed: int | None,
    run_time: str | None,
    slots: int | None,
    interpreter: str,
    error_format: str,
    prior: PriorOptions,
    output_format: str,
) -> None:
    """Show what a sweep file (`-`: stdin) would run: its first points, the number of points, and the cost.

    Needs a server only for prior runs. The points are those that a server hands out for the same seed, in the
    same order; for bayes, whose points depend on results, they are random. `-o jsonl` prints
    {"params", "argv"} for each run.
    """
    cost = _cost(run_time, slots)
    text = read_sweep(file)
    spec = checked_spec(text, error_format=error_format)
    seeded = _seeded(spec, seed)
    report = None
    if prior.given:
        _check_prior_options(seed, interpreter)
        shown, report = preview_on_server(text, number, prior)
        problem = ""
        if output_format == "jsonl":
            for run in shown.runs:
                write_document(line_shape(run), "jsonl")
    elif output_format == "jsonl":
        shown, problem = _stream_runs(seeded, number, interpreter)
    else:
        shown = preview(seeded, number, interpreter=interpreter)
        problem = next((run.problem for run in shown.runs if run.problem), "")
    if output_format in ("json", "yaml"):
        document = preview_shape(text.file_name, spec, shown, cost)
        if report is not None:
            from sweepd.views.run import prior_report_shape  # imported here, because it imports messages

            document["priorRuns"] = prior_report_shape(report)
        write_document(document, output_format)
        return
    if output_format != "jsonl":
        rows = [run_shape(place, run) for place, run in enumerate(shown.runs, start=1)]
        write_rows(rows, output_of(output_format), columns(shown), name="number")
    for line in summary(text.file_name, spec, shown, cost, seed):
        note(line)
    if report is not None:
        write_report(report, begins="Would begin")
    if problem:
        note(f"warning: {clean(problem)}")


def _check_prior_options(seed: int | None, interpreter: str) -> None:
    if seed is not None:
        raise usage_problem("--seed cannot be used with prior runs", next_step="write `seed:` in the file")
    if interpreter != "python":
        raise usage_problem("--interpreter cannot be used with prior runs", next_step="leave it out")


def _stream_runs(spec: SweepSpec, number: int, interpreter: str) -> tuple[Preview, str]:
    """Write each run as soon as it is found; return the preview without runs, and the first problem."""
    shown = preview(spec, 0)
    problem = ""
    for run in first_runs(spec, number, shown.size, interpreter=interpreter):
        if run is None:
            shown = replace(shown, broken_off=True)
        else:
            write_document(line_shape(run), "jsonl")
            problem = problem or run.problem
    return shown, problem


def _seeded(spec: SweepSpec, seed: int | None) -> SweepSpec:
    """Return the sweep with the seed of the command line, else of the file, else a random seed."""
    if seed is None and spec.seed is None:
        import secrets

        seed = secrets.randbits(31)
    return spec if seed is None else replace(spec, seed=seed)


def _cost(run_time: str | None, slots: int | None) -> Cost | None:
    if run_time is None:
        if slots is not None:
            raise usage_problem("--slots requires --run-time", next_step="add `--run-time 10m`")
        return None
    return Cost(run_seconds=option_seconds("--run-time", run_time), slots=slots or 1)
