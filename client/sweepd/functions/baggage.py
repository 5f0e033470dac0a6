"""What a run's process needs of its caller: the function, where modules are found, the text of cells."""

import inspect
import json
import linecache
import sys
from collections.abc import Callable
from pathlib import Path

from sweepd.functions.errors import FunctionError

FUNCTION_FILE = "function.pickle"
CALLER_FILE = "caller.json"
_MOST_SOURCE = 2**20

Function = Callable[[], object]


def check_function(function: object) -> None:
    """Refuse what cannot be called without arguments, before anything is started.

    Raises:
        FunctionError: it cannot be called, or needs arguments.
    """
    if not callable(function):
        raise FunctionError(f"function: a function without arguments, not {type(function).__name__}")
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise FunctionError(
            f"{name} is called without arguments, but needs some ({error}); "
            "take values from sweepd.config, or pass a lambda that gives them"
        ) from None
    except ValueError:
        return  # of some functions in C nothing is known


def pack(function: Function, folder: Path) -> None:
    """Leave the function in a folder, for processes that start later.

    Raises:
        FunctionError: something that it refers to cannot be taken to another process; it is named.
    """
    import cloudpickle  # a run in the caller's own process does without

    try:
        packed = cloudpickle.dumps(function)
    except Exception as error:  # what objects raise when they are packed is theirs
        from sweepd.functions.culprit import culprit

        where, reason = culprit(function, error)
        raise FunctionError(
            f"{where} cannot be taken to another process: {reason}; make it inside the function, "
            "or call agent(…, in_process=True)"
        ) from error
    (folder / FUNCTION_FILE).write_bytes(packed)
    caller = {"path": _search_path(), "argv": list(sys.argv), "cells": _cells()}
    (folder / CALLER_FILE).write_text(json.dumps(caller), encoding="utf-8", errors="surrogateescape")


def _search_path() -> list[str]:
    """Return where the caller finds modules; its working folder in full, as a function may change it."""
    return [entry or str(Path.cwd()) for entry in sys.path]


def _cells() -> dict[str, list[str]]:
    """Return the source that only the caller's memory has, as of cells: tracebacks show its lines."""
    cells: dict[str, list[str]] = {}
    room = _MOST_SOURCE
    for name, entry in reversed(list(linecache.cache.items())):  # the newest first
        if len(entry) == 4 and entry[1] is None and not Path(name).exists():
            lines = list(entry[2])
            room -= sum(map(len, lines))
            if room < 0:
                break
            cells[name] = lines
    return cells
