"""`sweepctl help`."""

from __future__ import annotations

import click

from sweepd.cli.problem import usage_problem
from sweepd.cli.topics import TOPICS
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl help exit-codes", "sweepctl help create"))
@click.argument("topic", required=False, metavar="[VERB|exit-codes|environment]")
@click.pass_context
def command(context: click.Context, topic: str | None) -> None:
    """Explain a verb, the exit codes or the environment."""
    parent = context.parent
    assert parent is not None
    assert isinstance(parent.command, click.Group)
    if topic is None:
        click.echo(parent.get_help())
        return
    if topic in TOPICS:
        click.echo(TOPICS[topic], nl=False)
        return
    verb = parent.command.get_command(parent, topic)
    if verb is None:
        raise usage_problem(f"no such verb or topic: {topic}", next_step="sweepctl help")
    with click.Context(verb, info_name=topic, parent=parent) as inner:
        click.echo(verb.get_help(inner))
