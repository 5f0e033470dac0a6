"""Settings of one call of `sweepctl`, and creation of its client.

Flags override the environment, which overrides defaults.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from sweepd.client import Client
    from sweepd.rpc.discovery import Target


@dataclass(slots=True, kw_only=True)
class Settings:
    """Settings from the common options, and the environment."""

    environ: Mapping[str, str]
    server: str | None = None
    token_file: str | None = None
    color: str = "auto"
    debug: bool = False

    def default(self, name: str) -> str:
        """Return the default of `entity`, `project` or `output`: from the environment, else the context."""
        return self.environ.get(f"SWEEPD_{name.upper()}") or self.context_default(name)

    def context_default(self, name: str) -> str:
        """Return the default in the current context; empty if there is none, or contexts cannot be read."""
        from sweepd.rpc.contexts import ConfigError, read_contexts

        try:
            return read_contexts(self.environ).defaults_in_use(self.environ).get(name, "")
        except ConfigError:
            return ""

    def colored(self, stream: TextIO) -> bool:
        """Return True if output to `stream` is coloured."""
        if self.color != "auto":
            return self.color == "always"
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return self.redraws(stream)

    def redraws(self, stream: TextIO) -> bool:
        """Return True if `stream` is a terminal that can redraw lines."""
        return stream.isatty() and self.environ.get("TERM") != "dumb"


def current_settings() -> Settings:
    """Return the settings of the running command."""
    return click.get_current_context().ensure_object(Settings)


def target(settings: Settings) -> Target:
    """Return the address and the token of the server to use.

    Raises:
        NoServerError: no server is named, and no local server is running.
        Problem: the token file cannot be read.
    """
    from sweepd.rpc.discovery import resolve

    found = resolve(settings.server, settings.environ)
    if settings.token_file is None:
        return found
    return replace(found, token=token_of(settings.token_file))


def connect(settings: Settings | None = None) -> Client:
    """Return a client, by default with the settings of the running command; make no call."""
    from sweepd.client import Client

    found = target(settings or current_settings())
    return Client(found.address, found.token)


def token_of(file: str) -> str:
    """Return the token in a file; `-` is stdin.

    Raises:
        Problem: the file cannot be read, or is empty.
    """
    from pathlib import Path

    from sweepd.cli.failures import Problem, usage_problem

    try:
        token = (_stdin() if file == "-" else Path(file).read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(message=f"the token file cannot be read: {file}", cause=str(error)) from error
    if not token:
        raise usage_problem(f"the token file is empty: {file}")
    return token


@cache
def _stdin() -> str:
    """Return the content of stdin, cached because it can be read only once."""
    return sys.stdin.read()


def common_options() -> list[click.Parameter]:
    """Return the options allowed before and after the command name; the latter take precedence."""
    return [
        _common(
            "--server",
            metavar="HOST:PORT",
            help="Server to use (else SWEEPD_ADDRESS, else that of `login`, else the local one).",
        ),
        _common(
            "--token-file",
            metavar="FILE",
            help="File with the token, - for stdin (else SWEEPD_TOKEN, `login`, the local one).",
        ),
        _common("--color", type=click.Choice(["auto", "always", "never"]), help="When to colour the output."),
        _common("--debug", is_flag=True, default=None, help="Show tracebacks."),
    ]


def _common(flag: str, **attributes: object) -> click.Option:
    def keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
        if value is not None and parameter.name is not None:
            setattr(context.ensure_object(Settings), parameter.name, value)

    return click.Option([flag], expose_value=False, callback=keep, **attributes)  # type: ignore[arg-type]
