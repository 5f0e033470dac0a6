"""`sweepctl config`: contexts, defaults, and the origins of the values in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from sweepd.cli.command import command
from sweepd.cli.failures import Problem, not_found, usage_problem
from sweepd.cli.output.formats import (
    DOCUMENTS,
    FORMATS,
    Output,
    note,
    output_of,
    output_option,
    put,
    write_document,
    write_rows,
)
from sweepd.cli.settings import Settings, current_settings
from sweepd.rpc.contexts import DEFAULTS, VARIABLE, Contexts, config_file, read_contexts, write_contexts
from sweepd.rpc.discovery import NoContextError, current_address, normalised, read_entry
from sweepd.spec.point import Json
from sweepd.views.rows import Column, Row
from sweepd.views.text import clean, shown_words

_SET = "(set)"
ORIGINS = (Column("name", "name"), Column("value", "value"), Column("origin", "origin"))
_USAGE = "sweepctl config view [--origin] | get NAME | set NAME VALUE | use-context CONTEXT"


def _pairs(value: Json) -> str:
    return shown_words([f"{name}={each}" for name, each in value.items()] if isinstance(value, dict) else [])


CONTEXTS = (
    Column("context", "context"),
    Column("address", "address"),
    Column("account", "account"),
    Column("current", "current"),
    Column("defaults", "defaults", _pairs),
)


def context_rows(environ: Mapping[str, str]) -> Sequence[Row]:
    """Return a row for each context, with a flag for the current one."""
    contexts = read_contexts(environ)
    chosen = contexts.chosen(environ)
    return [
        {
            "context": name,
            "address": context.address,
            "account": context.account or None,
            "current": name == chosen,
            "defaults": dict(context.defaults),
        }
        for name, context in sorted(contexts.by_name.items())
    ]


def origin_rows(settings: Settings) -> Sequence[Row]:
    """Return the values in use, each with its origin."""
    environ = settings.environ
    contexts = read_contexts(environ)
    name = contexts.chosen(environ)
    address, address_origin = _address(settings, contexts, name)
    rows: list[Row] = [
        _row("server", address, address_origin),
        _row("token", *_token(settings, contexts, address)),
        _row("context", name, VARIABLE if environ.get(VARIABLE) else str(config_file(environ))),
    ]
    stored = f"context {name}" if name else str(config_file(environ))
    for word in DEFAULTS:
        variable = f"SWEEPD_{word.upper()}"
        rows.append(_row(word, settings.default(word), variable if environ.get(variable) else stored))
    return rows


def _address(settings: Settings, contexts: Contexts, name: str) -> tuple[str, str]:
    if settings.server:
        return normalised(settings.server), "--server"
    if settings.environ.get("SWEEPD_ADDRESS"):
        return normalised(settings.environ["SWEEPD_ADDRESS"]), "SWEEPD_ADDRESS"
    if name:  # without an address if the context does not exist
        return contexts.by_name[name].address if name in contexts.by_name else "", f"context {name}"
    return current_address(settings.environ) or "", "the server that this account started last"


def _token(settings: Settings, contexts: Contexts, address: str) -> tuple[str, str]:
    if settings.token_file is not None:
        return _SET, "--token-file"
    if settings.environ.get("SWEEPD_TOKEN"):
        return _SET, "SWEEPD_TOKEN"
    known = contexts.of_address(address, settings.environ)
    if known is not None:
        name = next(name for name, each in contexts.by_name.items() if each is known)
        return _SET, f"context {name}"
    return (_SET if address and read_entry(address, settings.environ) else ""), "file of the local server"


def _row(name: str, value: str, origin: str) -> Row:
    return {"name": name, "value": value or None, "origin": origin if value else None}


@command("sweepctl config view --origin", "sweepctl config set project mnist")
@click.argument("words", metavar="view | get NAME | set NAME VALUE | use-context CONTEXT", nargs=-1)
@click.option("--origin", is_flag=True, help="With view: show where each value comes from.")
@output_option()
def config(words: tuple[str, ...], origin: bool, output_format: str) -> None:
    """Show and change settings of this account: servers and defaults.

    `view` lists the servers that you are logged in to; `view --origin` shows each value and where it comes
    from: a flag, the environment, a context or the local server. `get` prints one value. `set` stores the
    default entity or project of new sweeps, or the output format, in the current context; an empty VALUE
    removes it. `use-context` switches to another server. Tokens are never shown.
    """
    settings = current_settings()
    if origin and words not in ((), ("view",)):
        raise usage_problem("--origin requires `view`", next_step="sweepctl config view --origin")
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
                "config takes `view`, `get NAME`, `set NAME VALUE` or `use-context CONTEXT`", next_step=_USAGE
            )


def _view(settings: Settings, output: Output, *, origin: bool) -> None:
    if origin:
        write_rows(origin_rows(settings), output, ORIGINS, name="name")
        return
    empty = "Not logged in to any server:  sweepctl login ADDRESS"
    write_rows(context_rows(settings.environ), output, CONTEXTS, name="context", empty=empty)


def _get(settings: Settings, name: str, output_format: str) -> None:
    rows = {str(row["name"]): row for row in origin_rows(settings) if row["name"] != "token"}
    if name not in rows:
        raise _unknown(name, tuple(rows))
    value = rows[name]["value"]
    if value is None:
        raise not_found(
            f"{name} is not set",
            next_step="`sweepctl config view --origin` shows the settings and where they come from",
        )
    if output_format in DOCUMENTS:
        write_document(rows[name], output_format)
    else:
        put(f"{clean(str(value))}\n")


def _set(settings: Settings, name: str, value: str) -> None:
    from sweepd.calls.sweep_file import check_part

    if name not in DEFAULTS:
        raise _unknown(name, DEFAULTS)
    if name == "output" and value not in ("", *FORMATS):
        raise usage_problem(f"unknown format: {value!r}", next_step=f"one of {', '.join(FORMATS)}")
    if name != "output" and value:
        check_part(name, value)
    contexts = read_contexts(settings.environ)
    context = contexts.chosen(settings.environ)
    if context and context not in contexts.by_name:
        raise NoContextError(context)
    write_contexts(contexts.with_default(context, name, value), settings.environ)
    where = f" in the context {context}" if context else " outside any context"
    note(f"{name} is now {value}{where}." if value else f"{name} is no longer set{where}.")
    variable = f"SWEEPD_{name.upper()}"
    if settings.environ.get(variable):
        note(f"warning: {variable} is set and takes precedence over the stored value.")


def _use(settings: Settings, name: str) -> None:
    contexts = read_contexts(settings.environ)
    if name not in contexts.by_name:
        raise NoContextError(name)
    write_contexts(replace(contexts, current=name), settings.environ)
    note(f"Using context {name}.")
    if settings.environ.get(VARIABLE):
        note(f"warning: {VARIABLE} is set and takes precedence over the stored value.")


def _unknown(name: str, legal: tuple[str, ...]) -> Problem:
    if name == "token":
        return usage_problem(
            "tokens are never shown", next_step="`sweepctl login ADDRESS` stores another one"
        )
    if name in ("server", "context"):
        return usage_problem(
            f"the {name} cannot be set with `config set`",
            next_step="`sweepctl login ADDRESS`, or `sweepctl config use-context CONTEXT`",
        )
    return usage_problem(f"unknown setting: {name!r}", next_step=f"one of {', '.join(legal)}")
