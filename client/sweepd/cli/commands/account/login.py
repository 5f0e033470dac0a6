"""`sweepctl login`, `logout` and `whoami`."""

from __future__ import annotations

import sys

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect, token_of
from sweepd.cli.output.formats import DOCUMENTS, note, output_option, put, write_document
from sweepd.cli.problem import Problem, not_found, usage_problem
from sweepd.cli.settings import Settings, current_settings
from sweepd.rpc.contexts import Context, read_contexts, write_contexts
from sweepd.rpc.discovery import normalised
from sweepd.views.text import clean


@click.command(
    cls=Command,
    examples=(
        "sweepctl login sweeps.acme.example:7333",
        "sweepctl login sweeps.acme.example --token-file - < token",
    ),
)
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.option("--context", metavar="NAME", help="Name to keep it under; the address by default.")
def login(address: str | None, context: str | None) -> None:
    """Keep a server and the token for it, and use them from now on.

    ADDRESS is HOST:PORT; else that of --server or SWEEPD_ADDRESS is meant. The token is asked for on the
    terminal, or read from --token-file (- for stdin). It is tried at the server first; what the server
    refuses is not kept. Agents of this account use it, too.
    """
    from sweepd.client import Client
    from sweepd.views.account import token_shape, where_good

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
        contexts.with_context(name, Context(server, token, str(shape["account"]))), settings.environ
    )
    note(f"Logged in to {server} as {clean(str(shape['account']))}: {where_good(shape)}. Kept in {path}.")
    for variable in ("SWEEPD_TOKEN", "SWEEPD_ADDRESS", "SWEEPD_CONTEXT"):
        if settings.environ.get(variable):
            note(f"warning: {variable} is set, and wins over what is kept.")


@click.command(cls=Command, examples=("sweepctl logout", "sweepctl logout sweeps.acme.example:7333"))
@click.argument("context", metavar="[CONTEXT]", required=False)
def logout(context: str | None) -> None:
    """Forget the token of a server; CONTEXT is the name that it is kept under, else the one in use.

    The token itself stays good: `sweepctl token revoke ID` ends it.
    """
    settings = current_settings()
    contexts = read_contexts(settings.environ)
    name = context or contexts.chosen(settings.environ)
    if name not in contexts.by_name and context:
        name = normalised(context)
    if name not in contexts.by_name:
        raise not_found(
            f"not logged in to {context}" if context else "not logged in anywhere",
            next_step="`sweepctl config view` shows where you are",
        )
    write_contexts(contexts.without(name), settings.environ)
    note(f"Forgot the token of {name}. It stays good until it expires or is revoked.")


@click.command(cls=Command, examples=("sweepctl whoami", "sweepctl whoami -o json"))
@output_option(("table", *DOCUMENTS, "name"))
def whoami(output_format: str) -> None:
    """Show who the server takes you for, and what your token allows."""
    from sweepd.views.account import token_shape, where_good

    with connect(current_settings()) as client:
        shape = {"server": client.address, **token_shape(client.who_am_i())}
    if output_format == "name":
        put(f"{clean(str(shape['account']))}\n")
    elif output_format == "table":
        token = f"token {shape['id']}" if shape["id"] else "the server's own token"
        put(f"{clean(str(shape['account']))} at {client.address}: {token}, {where_good(shape)}\n")
    else:
        write_document(shape, output_format)


def _token(settings: Settings, server: str) -> str:
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
