"""Origins of the values in use: a flag, the environment, a context, or the default. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sweepd.cli.settings import Settings
from sweepd.rpc.contexts import DEFAULTS, VARIABLE, Contexts, config_file, read_contexts
from sweepd.rpc.discovery import current_address, normalised, read_entry
from sweepd.spec.point import Json
from sweepd.views.column import Column
from sweepd.views.rows import Row
from sweepd.views.text import shown_words

_SET = "(set)"


def _pairs(value: Json) -> str:
    return shown_words([f"{name}={each}" for name, each in value.items()] if isinstance(value, dict) else [])


CONTEXTS = (
    Column("context", "context"),
    Column("address", "address"),
    Column("account", "account"),
    Column("current", "current"),
    Column("defaults", "defaults", _pairs),
)
ORIGINS = (Column("name", "name"), Column("value", "value"), Column("origin", "origin"))


def context_rows(environ: Mapping[str, str]) -> Sequence[Row]:
    """Return the contexts, each with whether it is in use."""
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
    """Return what is in use, each with its origin."""
    environ = settings.environ
    contexts = read_contexts(environ)
    name = contexts.chosen(environ)
    address, address_origin = _address(settings, contexts, name)
    rows: list[Row] = [
        _row("server", address, address_origin),
        _row("token", *_token(settings, contexts, address)),
        _row("context", name, VARIABLE if environ.get(VARIABLE) else str(config_file(environ))),
    ]
    kept = f"context {name}" if name else str(config_file(environ))
    for word in DEFAULTS:
        variable = f"SWEEPD_{word.upper()}"
        rows.append(_row(word, settings.told(word), variable if environ.get(variable) else kept))
    return rows


def _address(settings: Settings, contexts: Contexts, name: str) -> tuple[str, str]:

    if settings.server:
        return normalised(settings.server), "--server"
    if settings.environ.get("SWEEPD_ADDRESS"):
        return normalised(settings.environ["SWEEPD_ADDRESS"]), "SWEEPD_ADDRESS"
    if name:  # one that does not exist leads nowhere
        return contexts.by_name[name].address if name in contexts.by_name else "", f"context {name}"
    return current_address(settings.environ) or "", "the server of this account that was started last"


def _token(settings: Settings, contexts: Contexts, address: str) -> tuple[str, str]:

    if settings.token_file is not None:
        return _SET, "--token-file"
    if settings.environ.get("SWEEPD_TOKEN"):
        return _SET, "SWEEPD_TOKEN"
    known = contexts.of_address(address, settings.environ)
    if known is not None:
        name = next(name for name, each in contexts.by_name.items() if each is known)
        return _SET, f"context {name}"
    return (_SET if address and read_entry(address, settings.environ) else ""), "what the server left"


def _row(name: str, value: str, origin: str) -> Row:
    return {"name": name, "value": value or None, "origin": origin if value else None}
