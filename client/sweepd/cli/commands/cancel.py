"""`sweepctl cancel`."""

from __future__ import annotations

import sys

import click

from sweepd.cli.output import note, output_option, put, write_document
from sweepd.cli.problem import Problem, usage_problem
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl cancel k3x9v2ab", "sweepctl cancel acme/mnist/k3x9v2ab --yes"))
@click.argument("sweep", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option(("name", "json", "jsonl", "yaml"), "name")
def command(sweep: str, yes: bool, output_format: str) -> None:
    """Start no new runs any more, and kill the live ones at once.

    Asks on a terminal; without one, --yes is needed. Waits up to 10 s for the connected agents and names the
    runs whose agents have not answered.
    """
    from sweepd.cli.connection import connect
    from sweepd.cli.shapes import sweep_shape
    from sweepd.cli.text import clean

    with connect(current_settings()) as client:
        name = client.sweep_name(sweep)
        if not yes:
            _ask(name)
        answer = client.cancel_sweep(name)
    if output_format == "name":
        put(f"{answer.sweep.name}\n")
        note("Cancelled.")
    else:
        unconfirmed = list(answer.unconfirmed_runs)
        write_document({**sweep_shape(answer.sweep), "unconfirmedRuns": [*unconfirmed]}, output_format)
    for run in answer.unconfirmed_runs:
        note(f"warning: {clean(run)}: its agent is away; it is told when it returns")


def _ask(name: str) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage_problem(
            f"cancel kills the live runs of {name}, and there is no terminal to ask on",
            next_step="say --yes",
        )
    if not click.confirm(f"Cancel {name} and kill its live runs?", err=True):
        raise Problem(message="nothing was cancelled")
