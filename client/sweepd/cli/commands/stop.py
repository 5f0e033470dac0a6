"""`sweepctl stop`."""

from __future__ import annotations

import click

from sweepd.cli.control import control
from sweepd.cli.output import output_option
from sweepd.cli.verb import Verb


@click.command(
    cls=Verb, examples=("sweepctl stop k3x9v2ab", "sweepctl stop k3x9v2ab && sweepctl wait k3x9v2ab")
)
@click.argument("sweep", metavar="ID")
@output_option(("name", "json", "jsonl", "yaml"), "name")
def command(sweep: str, output_format: str) -> None:
    """Start no new runs any more; live ones end by themselves.

    When it returns, this holds: committed, over restarts of the server.
    """
    control(sweep, output_format, lambda client, name: client.stop_sweep(name), "Stopped")
