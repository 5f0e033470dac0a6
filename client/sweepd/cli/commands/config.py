"""`sweepctl config`."""

from __future__ import annotations

import click

from sweepd.cli.output import note, output_of, output_option, write_rows
from sweepd.cli.problem import Problem, usage_problem
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb

_FORMS = "sweepctl config view [--origin] | use-context NAME"


@click.command(
    cls=Verb, examples=("sweepctl config view --origin", "sweepctl config use-context 127.0.0.1:7333")
)
@click.argument("words", metavar="view | use-context NAME", nargs=-1)
@click.option("--origin", is_flag=True, help="With view: also what each value in use comes from.")
@output_option()
def command(words: tuple[str, ...], origin: bool, output_format: str) -> None:
    """Show the servers that you are logged in to, or use another of them.

    `config view --origin` shows server and token in use, and whether a flag, the environment, a context or
    the server of this account has the say. Tokens are never shown.
    """
    from sweepd.cli.origins import CONTEXTS, ORIGINS, context_rows, origin_rows
    from sweepd.contexts import read_contexts, write_contexts

    settings = current_settings()
    contexts = read_contexts(settings.environ)
    match words:
        case () | ("view",) if origin:
            write_rows(origin_rows(settings), output_of(output_format), ORIGINS, name="name")
        case () | ("view",):
            write_rows(
                context_rows(contexts, settings.environ),
                output_of(output_format),
                CONTEXTS,
                name="context",
                empty="Not logged in anywhere:  sweepctl login ADDRESS",
            )
        case ("use-context", name):
            if name not in contexts.by_name:
                raise Problem(
                    message=f"there is no context {name}",
                    next_step="`sweepctl config view` shows those there are",
                )
            write_contexts(contexts.using(name), settings.environ)
            note(f"{name} is in use.")
        case _:
            raise usage_problem("config is called in another way", next_step=_FORMS)
