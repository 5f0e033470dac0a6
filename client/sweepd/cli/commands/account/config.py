"""`sweepctl config`."""

from __future__ import annotations

import click

from sweepd.cli.command import Command
from sweepd.cli.output.formats import (
    FORMATS,
    Output,
    note,
    output_of,
    output_option,
    put,
    write_document,
    write_rows,
)
from sweepd.cli.problem import Problem, not_found, usage_problem
from sweepd.cli.settings import Settings, current_settings
from sweepd.rpc.contexts import DEFAULTS, VARIABLE, read_contexts, write_contexts
from sweepd.rpc.discovery import NoContextError
from sweepd.views.text import clean

_FORMS = "sweepctl config view [--origin] | get NAME | set NAME VALUE | use-context CONTEXT"


@click.command(cls=Command, examples=("sweepctl config view --origin", "sweepctl config set project mnist"))
@click.argument("words", metavar="view | get NAME | set NAME VALUE | use-context CONTEXT", nargs=-1)
@click.option("--origin", is_flag=True, help="With view: also where each value in use comes from.")
@output_option()
def command(words: tuple[str, ...], origin: bool, output_format: str) -> None:
    """Show and change what is kept for this account: servers, and what holds where nothing else is said.

    `view` lists the servers that you are logged in to; `view --origin` shows each value in use, and whether a
    flag, the environment, a context or the server of this account has the say. `get` prints one of them.
    `set` keeps the entity or the project of new sweeps, or the output format, with the context in use; an
    empty VALUE removes it. `use-context` changes to another server. Tokens are never shown.
    """
    settings = current_settings()
    if origin and words not in ((), ("view",)):
        raise usage_problem("--origin goes with view", next_step="sweepctl config view --origin")
    match words:
        case () | ("view",):
            _view(settings, output_of(output_format), origin=origin)
        case ("get", name):
            _get(settings, name, output_format)
        case ("set", name, value):
            _set(settings, name, value)
        case ("use-context", name):
            _use(settings, name)
        case _:
            raise usage_problem(
                "config takes `view`, `get NAME`, `set NAME VALUE` or `use-context CONTEXT`", next_step=_FORMS
            )


def _view(settings: Settings, output: Output, *, origin: bool) -> None:
    from sweepd.cli.commands.account.origins import CONTEXTS, ORIGINS, context_rows, origin_rows

    if origin:
        write_rows(origin_rows(settings), output, ORIGINS, name="name")
        return
    empty = "Not logged in anywhere:  sweepctl login ADDRESS"
    write_rows(context_rows(settings.environ), output, CONTEXTS, name="context", empty=empty)


def _get(settings: Settings, name: str, output_format: str) -> None:
    from sweepd.cli.commands.account.origins import origin_rows

    rows = {str(row["name"]): row for row in origin_rows(settings) if row["name"] != "token"}
    if name not in rows:
        raise _unknown(name, tuple(rows))
    value = rows[name]["value"]
    if value is None:
        raise not_found(
            f"{name} is not set", next_step="`sweepctl config view --origin` shows what is set, and by what"
        )
    if output_format in ("json", "jsonl", "yaml"):
        write_document(rows[name], output_format)
    else:
        put(f"{clean(str(value))}\n")


def _set(settings: Settings, name: str, value: str) -> None:
    from sweepd.calls.placement import check_part

    if name not in DEFAULTS:
        raise _unknown(name, DEFAULTS)
    if name == "output" and value not in ("", *FORMATS):
        raise usage_problem(f"no format {value!r}", next_step=f"one of {', '.join(FORMATS)}")
    if name != "output" and value:
        check_part(name, value)
    contexts = read_contexts(settings.environ)
    context = contexts.chosen(settings.environ)
    if context and context not in contexts.by_name:
        raise _no_context(context)
    write_contexts(contexts.with_default(context, name, value), settings.environ)
    where = f"in the context {context}" if context else "while no context is in use"
    note(f"{name} is now {value} {where}." if value else f"{name} is no longer set {where}.")
    variable = f"SWEEPD_{name.upper()}"
    if settings.environ.get(variable):
        note(f"warning: {variable} is set, and wins over what is kept.")


def _use(settings: Settings, name: str) -> None:

    contexts = read_contexts(settings.environ)
    if name not in contexts.by_name:
        raise _no_context(name)
    write_contexts(contexts.with_current(name), settings.environ)
    note(f"{name} is in use.")
    if settings.environ.get(VARIABLE):
        note(f"warning: {VARIABLE} is set, and wins over what is kept.")


def _unknown(name: str, legal: tuple[str, ...]) -> Problem:
    if name == "token":
        return usage_problem("a token is never shown", next_step="`sweepctl login ADDRESS` keeps another one")
    if name in ("server", "context"):
        return usage_problem(
            f"the {name} is not set by itself",
            next_step="`sweepctl login ADDRESS`, or `sweepctl config use-context CONTEXT`",
        )
    return usage_problem(f"config knows no {name!r}", next_step=f"one of {', '.join(legal)}")


def _no_context(name: str) -> NoContextError:

    return NoContextError(name)
