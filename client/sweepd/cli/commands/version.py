"""`sweepctl version`."""

from __future__ import annotations

import click

from sweepd.cli.output import note, output_option, put, write_document
from sweepd.cli.settings import Settings, current_settings
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl version", "sweepctl version -o json"))
@output_option(("table", "json", "jsonl", "yaml"))
def command(output_format: str) -> None:
    """Show the versions of client, server and protocol; without a server, the client's alone."""
    from importlib.metadata import version

    client = version("sweepd")
    server, protocol = _server(current_settings())
    if output_format == "table":
        put(f"client {client}\nserver {server or '-'}\nprotocol {protocol or '-'}\n")
    else:
        write_document({"client": client, "server": server, "protocol": protocol}, output_format)
    if server is not None and _line(server) != _line(client):
        note(f"warning: client {client} and server {server} are of different releases; install the same one")


def _server(settings: Settings) -> tuple[str | None, int | None]:
    from sweepd.cli.connection import connect
    from sweepd.cli.failures import problem_of
    from sweepd.errors import ClientError
    from sweepd.rpc.discovery import NoServerError

    try:
        with connect(settings) as client:
            found = client.server_info()
    except (ClientError, NoServerError) as error:
        note(f"warning: {problem_of(error).message}")
        return None, None
    return found.version, found.protocol_version


def _line(version: str) -> tuple[str, ...]:
    """Return the release line: versions of one major and minor number belong together."""
    return tuple(version.split(".")[:2])
