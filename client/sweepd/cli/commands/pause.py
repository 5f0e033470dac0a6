"""`sweepctl pause`."""

from __future__ import annotations

import click

from sweepd.cli.control import control
from sweepd.cli.output import output_option
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl pause k3x9v2ab", "sweepctl pause acme/mnist/k3x9v2ab -o json"))
@click.argument("sweep", metavar="ID")
@output_option(("name", "json", "jsonl", "yaml"), "name")
def command(sweep: str, output_format: str) -> None:
    """Start no new runs for now; live runs go on.

    When it returns, this holds: committed, over restarts of the server.
    """
    control(sweep, output_format, lambda client, name: client.pause_sweep(name), "Paused")
