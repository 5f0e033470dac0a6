"""Client of the server given by flags, environment, context or discovery."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sweepd.cli.problem import Problem, usage_problem
from sweepd.cli.settings import Settings, current_settings

if TYPE_CHECKING:
    from sweepd.client import Client
    from sweepd.rpc.discovery import Target


def target(settings: Settings) -> Target:
    """Return the address and the token to use.

    Raises:
        NoServerError: no server is named, and no local server runs.
        Problem: the token file cannot be read.
    """
    from dataclasses import replace

    from sweepd.rpc.discovery import resolve

    found = resolve(settings.server, settings.environ)
    if settings.token_file is None:
        return found
    return replace(found, token=token_of(settings.token_file))


def connect(settings: Settings | None = None) -> Client:
    """Return a client, by default with the settings of the running command; send nothing yet."""
    from sweepd.client import Client

    found = target(settings or current_settings())
    return Client(found.address, found.token)


def token_of(file: str) -> str:
    """Return the token in a file; `-` is stdin.

    Raises:
        Problem: the file cannot be read, or is empty.
    """
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
