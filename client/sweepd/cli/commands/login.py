"""`sweepctl login`."""

from __future__ import annotations

import sys

import click

from sweepd.cli.output import note
from sweepd.cli.problem import Problem, usage_problem
from sweepd.cli.settings import Settings, current_settings
from sweepd.cli.verb import Verb


@click.command(
    cls=Verb,
    examples=(
        "sweepctl login sweeps.acme.example:7333",
        "sweepctl login sweeps.acme.example --token-file - < token",
    ),
)
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.option("--context", metavar="NAME", help="Name to keep it under; the address if nothing is said.")
def command(address: str | None, context: str | None) -> None:
    """Keep a server and the token for it, and use them from now on.

    ADDRESS is HOST:PORT; else that of --server or SWEEPD_ADDRESS is meant. The token is asked for on the
    terminal, or read from --token-file (- for stdin). It is tried at the server first; what the server
    refuses is not kept. Agents of this account use it, too.
    """
    from sweepd.cli.account_shapes import token_shape, where_good
    from sweepd.cli.text import clean
    from sweepd.client import Client
    from sweepd.rpc.contexts import Context, read_contexts, write_contexts
    from sweepd.rpc.discovery import normalised

    settings = current_settings()
    named = address or settings.server or settings.environ.get("SWEEPD_ADDRESS")
    if not named:
        raise usage_problem("which server?", next_step="sweepctl login HOST:PORT")
    server = normalised(named)
    contexts = read_contexts(settings.environ)
    token = _token(settings, server)
    with Client(server, token) as client:
        shape = token_shape(client.who_am_i())
    name = context or server
    path = write_contexts(
        contexts.having(name, Context(server, token, str(shape["account"]))), settings.environ
    )
    note(f"Logged in to {server} as {clean(str(shape['account']))}: {where_good(shape)}. Kept in {path}.")
    for variable in ("SWEEPD_TOKEN", "SWEEPD_ADDRESS", "SWEEPD_CONTEXT"):
        if settings.environ.get(variable):
            note(f"warning: {variable} is set, and wins over what is kept.")


def _token(settings: Settings, server: str) -> str:
    from sweepd.cli.connection import token_of

    if settings.token_file is not None:
        return token_of(settings.token_file)
    if not sys.stdin.isatty():
        raise usage_problem(
            "the token can only be asked for on a terminal", next_step="--token-file FILE, or - for stdin"
        )
    from getpass import getpass

    try:
        token = getpass(f"Token for {server}: ", stream=sys.stderr).strip()
    except EOFError:
        token = ""
    if not token:
        raise Problem(message="no token was given; nothing is kept")
    return token
