"""`sweepctl token`."""

from __future__ import annotations

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import (
    Output,
    note,
    put,
    row_output,
    write_document,
    write_rows,
)
from sweepd.cli.problem import Problem, not_found, usage_problem
from sweepd.cli.settings import current_settings
from sweepd.durations import parse_duration
from sweepd.errors import ClientError

_SCOPES = ("admin", "write", "read", "agent")
_FORMS = "sweepctl token create --scope SCOPE | list | revoke ID…"


@click.command(
    cls=Command,
    examples=(
        "sweepctl token create --scope agent --project acme/mnist --expires 30d --name cluster > token",
        "sweepctl token revoke k3x9v2ab7cde",
    ),
)
@click.argument("words", metavar="create | list | revoke ID…", nargs=-1)
@click.option("--scope", type=click.Choice(_SCOPES), help="With create: what it allows.")
@click.option("--name", "display_name", default="", metavar="TEXT", help="With create: what to call it.")
@click.option(
    "--project",
    "projects",
    multiple=True,
    metavar="ENTITY[/PROJECT]",
    help="With create: where it is good; all else does not exist for it. Repeatable; default: everywhere.",
)
@click.option("--account", default="", metavar="NAME", help="With create: whom it speaks for; default: you.")
@click.option("--expires", metavar="D", help="With create: for how long, as 30d or 12h; default: for ever.")
@click.option(
    "--request-id",
    default="",
    metavar="ID",
    help="With create: the same again, within a day, gives the same token.",
)
@row_output
def command(
    words: tuple[str, ...],
    scope: str | None,
    display_name: str,
    projects: tuple[str, ...],
    account: str,
    expires: str | None,
    request_id: str,
    output: Output,
) -> None:
    """Make tokens, list them, end them.

    `token create` writes the new token alone to stdout, once: the server keeps only its hash. Scopes: admin
    (everything), write (change sweeps and runs), read, agent (attach agents). `token revoke` ends tokens, and
    within a second all that was opened with them; trainings continue.
    """
    verb, rest = (words[0], words[1:]) if words else ("list", ())
    given = any((scope, display_name, projects, account, expires, request_id))
    if verb not in ("create", "list", "revoke") or (rest and verb != "revoke"):
        raise usage_problem("token takes `create`, `list` or `revoke ID…`", next_step=_FORMS)
    if given and verb != "create":
        raise usage_problem("what a new token is to be goes with `token create`", next_step=_FORMS)
    if verb == "list":
        _list(output)
    elif verb == "revoke":
        _revoke(rest)
    elif scope is None:
        raise usage_problem("which scope?", next_step=f"--scope {'|'.join(_SCOPES)}")
    else:
        lifetime = _seconds(expires)
        _create(scope, display_name, projects, account, lifetime, request_id, output.format)


def _create(
    scope: str,
    display_name: str,
    projects: tuple[str, ...],
    account: str,
    lifetime: float | None,
    request_id: str,
    output_format: str,
) -> None:
    from sweepd import v1
    from sweepd.views.account import token_shape, where_good

    with connect(current_settings()) as client:
        made = client.create_token(
            v1.TokenScope.Value(f"TOKEN_SCOPE_{scope.upper()}"),
            display_name=display_name,
            account=account,
            projects=projects,
            lifetime=lifetime,
            request_id=request_id,
        )
    shape = token_shape(made.token)
    if output_format in ("json", "jsonl", "yaml"):
        write_document({**shape, "secret": made.secret}, output_format)
    else:
        put(f"{made.secret}\n")
    note(
        f"Token {shape['id']} of {shape['account']}: {where_good(shape)}. The token itself is shown only now."
    )


def _list(output: Output) -> None:
    from sweepd.views.account import TOKENS, token_shape

    with connect(current_settings()) as client:
        rows = [token_shape(token) for token in client.list_tokens()]
    write_rows(
        rows, output, TOKENS, name="id", empty="No token. Make one:  sweepctl token create --scope agent"
    )


def _revoke(keys: tuple[str, ...]) -> None:
    if not keys:
        raise usage_problem("which token?", next_step="`sweepctl token list` shows their ids")
    if any(key.startswith("swp_") for key in keys):
        raise Problem(
            message="a token is revoked by its id, not by itself",
            cause="what stands on a command line is seen by other accounts of this machine",
            next_step="`sweepctl token list` shows the ids; revoke this one soon",
            exit_code=ExitCode.USAGE,
            status="INVALID_ARGUMENT",
        )
    with connect(current_settings()) as client:
        for key in keys:
            try:
                client.revoke_token(key)
            except ClientError as error:
                if error.code != "NOT_FOUND":
                    raise
                raise not_found(
                    error.said,
                    name=key,
                    next_step="`sweepctl token list` shows the tokens that there are",
                ) from None
            note(f"Revoked {key}.")


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise usage_problem(f"--expires: {error}", next_step="write 30d or 12h") from error
