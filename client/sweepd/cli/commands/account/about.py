"""`sweepctl version` and `help`."""

from __future__ import annotations

import click

from sweepd.cli.command import command
from sweepd.cli.failures import problem_of, usage_problem
from sweepd.cli.output.formats import DOCUMENTS, note, output_option, put, write_document
from sweepd.cli.settings import Settings, connect, current_settings
from sweepd.errors import ClientError
from sweepd.rpc.discovery import NoServerError

_TOPICS = {
    "exit-codes": """Exit codes of sweepctl and sweep-agent

    0  ok; `wait`, `watch`: the sweep or run finished or was stopped
    1  failure
    2  usage error
    3  not found
    4  not authenticated, or not allowed
    5  the sweep file is not valid
    6  no server answers
    7  `wait`: the time limit has passed
    8  the sweep or run ended as failed, crashed, killed or cancelled; `best`: all runs have failed;
       `wait --for`: it ended without fulfilling the condition
    9  agent: a guard tripped
  130  Ctrl-C
""",
    "environment": """Environment variables that sweepctl reads; flags take precedence over them

  SWEEPD_ADDRESS   server, HOST:PORT (--server); else that of the current context, else the server that this
                   account started last
  SWEEPD_TOKEN     token (--token-file); else that of the server's context, else the one that the
                   local server has stored for this account
  SWEEPD_CONTEXT   context to use; else that of the last `login` or `config use-context`
  SWEEPD_ENTITY    entity of new sweeps (--entity); else from the file, from `config set`, or `local`
  SWEEPD_PROJECT   project of new sweeps (--project); else from the file, from `config set`, or the name of
                   the program
  SWEEPD_OUTPUT    format (-o) of the commands that have it; else that of `config set`
  XDG_CONFIG_HOME  folder below which `login` stores contexts, in sweepd/config.toml
  XDG_STATE_HOME   folder below which servers write their address and token, in sweepd/servers
  NO_COLOR         no colour (--color never)
  FORCE_COLOR      colour also in a pipe (--color always)
  TERM=dumb        no colour, no redrawing, no pager
  PAGER            pager for long output on a terminal; empty: none
""",
}


@command("sweepctl version", "sweepctl version -o json")
@output_option(("table", *DOCUMENTS))
def version(output_format: str) -> None:
    """Show the versions of client, server and protocol; without a server, only that of the client."""
    from importlib import metadata

    client = metadata.version("sweepd")
    server, protocol = _server(current_settings())
    if output_format == "table":
        put(f"client {client}\nserver {server or '-'}\nprotocol {protocol or '-'}\n")
    else:
        write_document({"client": client, "server": server, "protocol": protocol}, output_format)
    if server is not None and _major_minor(server) != _major_minor(client):
        note(
            f"warning: client {client} and server {server} are different releases; install the same release "
            "on both"
        )


@command("sweepctl help exit-codes", "sweepctl help create")
@click.argument("topic", required=False, metavar="[COMMAND|exit-codes|environment]")
@click.pass_context
def help_(context: click.Context, topic: str | None) -> None:
    """Explain a command, the exit codes or the environment."""
    parent = context.parent
    assert parent is not None
    assert isinstance(parent.command, click.Group)
    if topic is None:
        click.echo(parent.get_help())
        return
    if topic in _TOPICS:
        click.echo(_TOPICS[topic], nl=False)
        return
    found = parent.command.get_command(parent, topic)
    if found is None:
        raise usage_problem(f"no such command or topic: {topic}", next_step="sweepctl help")
    with click.Context(found, info_name=topic, parent=parent) as inner:
        click.echo(found.get_help(inner))


def _server(settings: Settings) -> tuple[str | None, int | None]:
    try:
        with connect(settings) as client:
            found = client.server_info()
    except (ClientError, NoServerError) as error:
        note(f"warning: {problem_of(error).message}")
        return None, None
    return found.version, found.protocol_version


def _major_minor(version: str) -> tuple[str, ...]:
    """Return the major and minor number of a version; releases that share both are compatible."""
    return tuple(version.split(".")[:2])
