"""`sweepctl watch`."""

from __future__ import annotations

import click

from sweepd.cli.output import output_option
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl watch k3x9v2ab", "sweepctl watch k3x9v2ab -o jsonl | jq .state"))
@click.argument("name", metavar="ID")
@output_option(("table", "jsonl", "json"))
def command(name: str, output_format: str) -> int:
    """Follow a sweep (or a run) until it ends; restarts of the server are waited for.

    Redraws on a terminal, writes lines in a pipe. The exit code says how it ended: 0 finished or stopped,
    8 otherwise.
    """
    from sweepd.cli.connection import connect
    from sweepd.cli.watching import watch

    with connect(current_settings()) as client:
        return watch(client, client.any_name(name), output_format)
