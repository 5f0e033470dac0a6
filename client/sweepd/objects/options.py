"""Arguments of the methods of both clients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import isfinite
from typing import Final

from sweepd.durations import parse_duration
from sweepd.errors import InvalidError, NotFoundError, invalid, no_server
from sweepd.rpc.discovery import NoContextError, NoServerError, Target, resolve


class Unchanged:
    """Stands for a value that an edit leaves as it is."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()


def seconds_of(timeout: float | str | None) -> float | None:
    """Return a time limit in seconds: a number, or a text as `10m`; None: no limit.

    Raises:
        InvalidError: it is neither.
    """
    if timeout is None:
        return None
    try:
        seconds = parse_duration(timeout) if isinstance(timeout, str) else float(timeout)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"no time limit: {error}") from error
    if not seconds >= 0:
        raise InvalidError(f"no time limit: {timeout!r}")
    return seconds if isfinite(seconds) else None


def target(address: str | None, token: str | None, environ: Mapping[str, str] = os.environ) -> Target:
    """Return whom to dial and with which token: those given, else what `sweepctl` would take.

    Raises:
        UnreachableError: no server is known.
        NotFoundError: the context that is to be used does not exist.
    """
    try:
        found = resolve(address, environ)
    except NoContextError as error:
        message = f"there is no context {error.name}"
        raise NotFoundError(message, code="NOT_FOUND", next_step=error.next_step) from error
    except NoServerError as error:
        raise no_server(error) from error
    return found if token is None else Target(found.address, token)


def changes_of(**given: object) -> dict[str, object]:
    """Return what an edit is to change.

    Raises:
        InvalidError: that is nothing.
    """
    changes = {field: value for field, value in given.items() if not isinstance(value, Unchanged)}
    if not changes:
        raise invalid(f"nothing is to be changed: name {', '.join([*given][:-1])} or {[*given][-1]}")
    return changes
