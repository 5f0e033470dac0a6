"""`sweepctl whoami`."""

from __future__ import annotations

import click

from sweepd.cli.output import output_option, put, write_document
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl whoami", "sweepctl whoami -o json"))
@output_option(formats=("table", "json", "jsonl", "yaml", "name"))
def command(output_format: str) -> None:
    """Show who the server takes you for, and what your token allows."""
    from sweepd.cli.account_shapes import token_shape, where_good
    from sweepd.cli.connection import connect
    from sweepd.cli.text import clean

    with connect(current_settings()) as client:
        shape = {"server": client.address, **token_shape(client.who_am_i())}
    if output_format == "name":
        put(f"{clean(str(shape['account']))}\n")
    elif output_format == "table":
        token = f"token {shape['id']}" if shape["id"] else "the server's own token"
        put(f"{clean(str(shape['account']))} at {client.address}: {token}, {where_good(shape)}\n")
    else:
        write_document(shape, output_format)
