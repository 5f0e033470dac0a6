"""`sweepctl logout`."""

from __future__ import annotations

import click

from sweepd.cli.output import note
from sweepd.cli.problem import not_found
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl logout", "sweepctl logout sweeps.acme.example:7333"))
@click.argument("context", metavar="[CONTEXT]", required=False)
def command(context: str | None) -> None:
    """Forget the token of a server; CONTEXT is the name that it is kept under, else the one in use.

    The token itself stays good: `sweepctl token revoke ID` ends it.
    """
    from sweepd.rpc.contexts import read_contexts, write_contexts
    from sweepd.rpc.discovery import normalised

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
