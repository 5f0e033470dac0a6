"""Search for the object in a function that cannot be pickled, for an error that names it."""

import dis
import functools
import types
from collections.abc import Callable, Iterator, Mapping

_MAX_DEPTH = 6
_GLOBALS = ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL")
_MAX_ITEMS = 1_000


def unpicklable_object(function: Callable[..., object], error: BaseException) -> tuple[str, str]:
    """Return a description of the object that makes pickling `function` fail, and its error."""
    path, value, reason = _search(function, getattr(function, "__name__", "the function"), error, _MAX_DEPTH)
    name = f"{path[0]} refers to {path[1]}" if len(path) > 1 else path[0]
    for step in path[2:]:
        name += step if step.startswith("[") else f".{step}"
    which = ", which" if len(path) > 1 else ""
    return f"{name} ({_kind(value)}){which}", str(reason) or type(reason).__name__


def _search(
    value: object, name: str, error: BaseException, depth: int
) -> tuple[list[str], object, BaseException]:
    """Follow the failing part inwards as far as there is one."""
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
    """Yield the parts that are pickled with an object, by name."""
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
    """Yield the global names, without attributes, that a function and its inner functions use."""
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
