"""Logins and tokens: `sweepctl login`, `logout`, `whoami` and `token`."""

from __future__ import annotations

import sys

import click

from sweepd import v1
from sweepd.cli.command import command
from sweepd.cli.failures import Problem, not_found, option_seconds, usage_problem
from sweepd.cli.output.formats import (
    DOCUMENTS,
    Output,
    note,
    output_option,
    put,
    row_output,
    write_document,
    write_rows,
)
from sweepd.cli.settings import Settings, connect, current_settings, token_of
from sweepd.errors import ClientError
from sweepd.rpc.contexts import Context, read_contexts, write_contexts
from sweepd.rpc.discovery import normalised
from sweepd.views.entities import TOKENS, token_shape, validity
from sweepd.views.text import clean


@command(
    "sweepctl login sweeps.acme.example:7333", "sweepctl login sweeps.acme.example --token-file - < token"
)
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.option("--context", metavar="NAME", help="Name of the context; default: the address.")
def login(address: str | None, context: str | None) -> None:
    """Log in to a server: store its address and a token, and use them from now on.

    ADDRESS is HOST:PORT; the default is that of --server or SWEEPD_ADDRESS. The token is asked for on the
    terminal, or read from --token-file (- for stdin). It is stored only if the server accepts it. Agents of
    this account also use it.
    """
    from sweepd.client import Client

    settings = current_settings()
    named = address or settings.server or settings.environ.get("SWEEPD_ADDRESS")
    if not named:
        raise usage_problem("no server given", next_step="sweepctl login HOST:PORT")
    server = normalised(named)
    contexts = read_contexts(settings.environ)
    token = _read_token(settings, server)
    with Client(server, token) as client:
        shape = token_shape(client.who_am_i())
    name = context or server
    path = write_contexts(
        contexts.with_context(name, Context(server, token, str(shape["account"]))), settings.environ
    )
    note(f"Logged in to {server} as {clean(str(shape['account']))}: {validity(shape)}. Saved in {path}.")
    for variable in ("SWEEPD_TOKEN", "SWEEPD_ADDRESS", "SWEEPD_CONTEXT"):
        if settings.environ.get(variable):
            note(f"warning: {variable} is set and takes precedence over the stored value.")


@command("sweepctl logout", "sweepctl logout sweeps.acme.example:7333")
@click.argument("context", metavar="[CONTEXT]", required=False)
def logout(context: str | None) -> None:
    """Log out of a server: remove its stored token. CONTEXT is its context; default: the current one.

    The token itself remains valid: `sweepctl token revoke ID` revokes it.
    """
    settings = current_settings()
    contexts = read_contexts(settings.environ)
    name = context or contexts.chosen(settings.environ)
    if name not in contexts.by_name and context:
        name = normalised(context)
    if name not in contexts.by_name:
        raise not_found(
            f"not logged in to {context}" if context else "not logged in to any server",
            next_step="`sweepctl config view` lists the servers that you are logged in to",
        )
    write_contexts(contexts.without(name), settings.environ)
    note(f"Removed the token of {name}. It remains valid until it expires or is revoked.")


@command("sweepctl whoami", "sweepctl whoami -o json")
@output_option(("table", *DOCUMENTS, "name"))
def whoami(output_format: str) -> None:
    """Show the account and the token that you use, and what the token allows."""
    with connect() as client:
        shape = {"server": client.address, **token_shape(client.who_am_i())}
    if output_format == "name":
        put(f"{clean(str(shape['account']))}\n")
    elif output_format == "table":
        token = f"token {shape['id']}" if shape["id"] else "access token of the server"
        put(f"{clean(str(shape['account']))} at {client.address}: {token}, {validity(shape)}\n")
    else:
        write_document(shape, output_format)


def _read_token(settings: Settings, server: str) -> str:
    if settings.token_file is not None:
        return token_of(settings.token_file)
    if not sys.stdin.isatty():
        raise usage_problem(
            "without a terminal, sweepctl cannot ask for the token",
            next_step="--token-file FILE, or - for stdin",
        )
    from getpass import getpass

    try:
        token = getpass(f"Token for {server}: ", stream=sys.stderr).strip()
    except EOFError:
        token = ""
    if not token:
        raise Problem(message="no token was given; nothing was saved")
    return token


_SCOPES = ("admin", "write", "read", "agent")
_USAGE = "sweepctl token create --scope SCOPE | list | revoke ID…"


@command(
    "sweepctl token create --scope agent --project acme/mnist --expires 30d --name cluster > token",
    "sweepctl token revoke k3x9v2ab7cde",
)
@click.argument("words", metavar="create | list | revoke ID…", nargs=-1)
@click.option("--scope", type=click.Choice(_SCOPES), help="With create: what the token allows.")
@click.option(
    "--name", "display_name", default="", metavar="TEXT", help="With create: display name of the token."
)
@click.option(
    "--project",
    "projects",
    multiple=True,
    metavar="ENTITY[/PROJECT]",
    help="With create: restrict the token to this entity or project. Repeatable; default: everything.",
)
@click.option(
    "--account",
    default="",
    metavar="NAME",
    help="With create: account that the token authenticates; default: yours.",
)
@click.option("--expires", metavar="D", help="With create: lifetime, such as 30d or 12h; default: no expiry.")
@click.option(
    "--request-id",
    default="",
    metavar="ID",
    help="With create: idempotency key; repeating it within a day returns the same token.",
)
@row_output
def token(
    words: tuple[str, ...],
    scope: str | None,
    display_name: str,
    projects: tuple[str, ...],
    account: str,
    expires: str | None,
    request_id: str,
    output: Output,
) -> None:
    """Create, list and revoke tokens.

    `token create` prints the new token on stdout, only once: the server stores only its hash. Scopes: admin
    (everything), write (change sweeps and runs), read, agent (attach agents). `token revoke` revokes tokens
    and closes, within a second, all streams opened with them; live runs continue.
    """
    action, rest = (words[0], words[1:]) if words else ("list", ())
    given = any((scope, display_name, projects, account, expires, request_id))
    if action not in ("create", "list", "revoke") or (rest and action != "revoke"):
        raise usage_problem("token takes `create`, `list` or `revoke ID…`", next_step=_USAGE)
    if given and action != "create":
        raise usage_problem("options of a new token require `token create`", next_step=_USAGE)
    if action == "list":
        _list_tokens(output)
    elif action == "revoke":
        _revoke_tokens(rest)
    elif scope is None:
        raise usage_problem("no scope given", next_step=f"--scope {'|'.join(_SCOPES)}")
    else:
        lifetime = None
        if expires is not None:
            lifetime = option_seconds("--expires", expires, next_step="write 30d or 12h")
        with connect() as client:
            made = client.create_token(
                v1.TokenScope.Value(f"TOKEN_SCOPE_{scope.upper()}"),
                display_name=display_name,
                account=account,
                projects=projects,
                lifetime=lifetime,
                request_id=request_id,
            )
        _write_created(made, output.format)


def _write_created(made: v1.CreateTokenResponse, output_format: str) -> None:
    shape = token_shape(made.token)
    if output_format in DOCUMENTS:
        write_document({**shape, "secret": made.secret}, output_format)
    else:
        put(f"{made.secret}\n")
    note(f"Token {shape['id']} of {shape['account']}: {validity(shape)}. The token is shown only once.")


def _list_tokens(output: Output) -> None:
    with connect() as client:
        rows = [token_shape(token) for token in client.list_tokens()]
    write_rows(
        rows, output, TOKENS, name="id", empty="No token. Create one:  sweepctl token create --scope agent"
    )


def _revoke_tokens(keys: tuple[str, ...]) -> None:
    if not keys:
        raise usage_problem("no token given", next_step="`sweepctl token list` lists their ids")
    if any(key.startswith("swp_") for key in keys):
        raise usage_problem(
            "a token is revoked by its id, not by its secret",
            cause="other accounts on this machine can see the arguments of a command",
            next_step="`sweepctl token list` lists the ids; revoke this token soon",
        )
    with connect() as client:
        for key in keys:
            try:
                client.revoke_token(key)
            except ClientError as error:
                if error.code != "NOT_FOUND":
                    raise
                raise not_found(
                    error.said, name=key, next_step="`sweepctl token list` lists the tokens"
                ) from None
            note(f"Revoked {key}.")
