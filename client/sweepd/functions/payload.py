"""Function payload: what the process of a run needs of its caller: function, search path, source of cells."""

import inspect
import json
import linecache
import sys
from collections.abc import Callable
from pathlib import Path

from sweepd.functions.errors import FunctionError

FUNCTION_FILE = "function.pickle"
CALLER_FILE = "caller.json"
_MAX_SOURCE_BYTES = 2**20

Function = Callable[[], object]


def check_function(function: object) -> None:
    """Check that an object can be called without arguments.

    Raises:
        FunctionError: it is not callable or needs arguments.
    """
    if not callable(function):
        raise FunctionError(f"function: expected a function without arguments, not {type(function).__name__}")
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise FunctionError(
            f"{name} is called without arguments, but needs some ({error}); "
            "take values from sweepd.config, or pass a lambda that gives them"
        ) from None
    except ValueError:
        return  # some functions in C have no signature


def pack(function: Function, folder: Path) -> None:
    """Write the payload to a folder, for processes that start later.

    Raises:
        FunctionError: it refers to an object that cannot be pickled; the message names it.
    """
    import cloudpickle  # not needed by runs in the caller's process

    try:
        packed = cloudpickle.dumps(function)
    except Exception as error:  # objects may raise anything when pickled
        from sweepd.functions.unpicklable import unpicklable_object

        where, reason = unpicklable_object(function, error)
        raise FunctionError(
            f"{where} cannot be taken to another process: {reason}; create it inside the function, "
            "or call agent(…, in_process=True)"
        ) from error
    (folder / FUNCTION_FILE).write_bytes(packed)
    caller = {"path": _search_path(), "argv": list(sys.argv), "cells": _cells()}
    (folder / CALLER_FILE).write_text(json.dumps(caller), encoding="utf-8", errors="surrogateescape")


def _search_path() -> list[str]:
    """Return the module search path, with the absolute working directory, as a function may change it."""
    return [entry or str(Path.cwd()) for entry in sys.path]


def _cells() -> dict[str, list[str]]:
    """Return source that exists only in memory, such as notebook cells, for tracebacks."""
    cells: dict[str, list[str]] = {}
    room = _MAX_SOURCE_BYTES
    for name, entry in reversed(list(linecache.cache.items())):  # newest first
        if len(entry) == 4 and entry[1] is None and not Path(name).exists():
            lines = list(entry[2])
            room -= sum(map(len, lines))
            if room < 0:
                break
            cells[name] = lines
    return cells
