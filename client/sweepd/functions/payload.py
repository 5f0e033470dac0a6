"""Function payload: the data that a run process needs from its caller, and the private folder for it."""

import dis
import functools
import inspect
import json
import linecache
import math
import os
import shutil
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sweepd import file_lock
from sweepd.functions.child import CALLER_FILE, FUNCTION_FILE
from sweepd.private_files import make_folder
from sweepd.rpc.discovery import state_folder
from sweepd.script.errors import FunctionError

_LOCK = "lock"
_MAX_SOURCE_BYTES = 2**20
Function = Callable[[], object]
_MAX_DEPTH = 6
_GLOBALS = ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL")
_MAX_ITEMS = 1_000


@contextmanager
def private_folder(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield a new folder that only this account can read, and remove the folder at the end.

    Also remove the folders of killed processes, whose locks are free.
    """
    parent = state_folder(environ).absolute() / "functions"
    make_folder(parent)
    with os.fdopen(file_lock.open_lock(parent / _LOCK)) as guard:
        file_lock.lock(guard.fileno(), patience=math.inf)
        _remove_abandoned(parent)
        path = Path(tempfile.mkdtemp(dir=parent))
        held = file_lock.open_lock(path / _LOCK)
        file_lock.lock(held)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        if folder.is_dir() and not _is_held(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as file:
            return file_lock.is_locked(file.fileno())
    except FileNotFoundError:
        return False


def check_function(function: object) -> None:
    """Check that an object can be called without arguments.

    Raises:
        FunctionError: the object is not callable or needs arguments.
    """
    if not callable(function):
        raise FunctionError(f"function: expected a function without arguments, not {type(function).__name__}")
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise FunctionError(
            f"{name} is called without arguments, but needs some ({error}); read values from "
            "sweepd.config, or pass a lambda that supplies them"
        ) from None
    except ValueError:
        return  # some functions in C have no signature


def pack(function: Function, folder: Path) -> None:
    """Write the payload of a function to a folder, for run processes that start later.

    Raises:
        FunctionError: the function refers to an object that cannot be pickled; the message names the object.
    """
    import cloudpickle  # not needed by runs in the caller's process

    try:
        packed = cloudpickle.dumps(function)
    except Exception as error:  # objects may raise anything when pickled
        where, reason = unpicklable_object(function, error)
        raise FunctionError(
            f"{where} cannot be sent to another process: {reason}; create it inside the function, or "
            "call agent(…, in_process=True)"
        ) from error
    (folder / FUNCTION_FILE).write_bytes(packed)
    # An empty entry means the working directory, which a function may change: use the absolute path.
    path = [entry or str(Path.cwd()) for entry in sys.path]
    caller = {"path": path, "argv": list(sys.argv), "cells": _cells()}
    (folder / CALLER_FILE).write_text(json.dumps(caller), encoding="utf-8", errors="surrogateescape")


def _cells() -> dict[str, list[str]]:
    """Return source code that exists only in memory, such as notebook cells, for tracebacks."""
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


def unpicklable_object(function: Callable[..., object], error: BaseException) -> tuple[str, str]:
    """Return a description of the object that prevents pickling `function`, and the error."""
    path, value, reason = _search(function, getattr(function, "__name__", "the function"), error, _MAX_DEPTH)
    name = f"{path[0]} refers to {path[1]}" if len(path) > 1 else path[0]
    for step in path[2:]:
        name += step if step.startswith("[") else f".{step}"
    which = ", which" if len(path) > 1 else ""
    return f"{name} ({_kind(value)}){which}", str(reason) or type(reason).__name__


def _search(
    value: object, name: str, error: BaseException, depth: int
) -> tuple[list[str], object, BaseException]:
    """Return the path to the innermost part that cannot be pickled, the part, and its error."""
    if depth:
        for inner_name, inner in _parts(value):
            if (inner_error := _failure(inner)) is not None:
                path, found, reason = _search(inner, inner_name, inner_error, depth - 1)
                return [name, *path], found, reason
    return [name], value, error


def _failure(value: object) -> BaseException | None:
    import cloudpickle

    try:
        cloudpickle.dumps(value)
    except Exception as error:  # noqa: BLE001 - objects may raise anything when pickled
        return error
    return None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield the name and value of each part that is pickled with an object."""
    match value:
        case types.MethodType():
            yield "self", value.__self__
        case types.FunctionType():
            yield from _references(value)
        case functools.partial():
            yield "its function", value.func
            yield "its arguments", value.args
            yield from value.keywords.items()
        case Mapping():
            for key, item in list(value.items())[:_MAX_ITEMS]:
                yield f"[{key!r:.40}]", item
        case list() | tuple():
            for index, item in enumerate(value[:_MAX_ITEMS]):
                yield f"[{index}]", item
        case _:
            yield from list(getattr(value, "__dict__", {}).items())


def _references(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue  # not assigned yet
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for index, default in enumerate(function.__defaults__ or ()):
        yield f"its default {index + 1}", default
    yield from (function.__kwdefaults__ or {}).items()


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the names of globals that a function and its inner functions use."""
    yield from (each.argval for each in dis.get_instructions(code) if each.opname in _GLOBALS)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _kind(value: object) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ in ("builtins", "__main__")
        else f"{kind.__module__}.{kind.__qualname__}"
    )
