"""Public names with their signatures, as a user can call them, wherever they are defined."""

from __future__ import annotations

import inspect
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING

import sweepd

if TYPE_CHECKING:
    from frozen.golden_files import Golden

RETURNED = (
    *("AsyncStoredRun", "AsyncSweep", "BestSoFar", "CategoryCorrelation", "History", "Importance"),
    *("ParameterImportance", "Run", "Runs", "StoredRun", "Summary", "Sweep"),
)
"""Classes whose objects are returned to users but never constructed by them."""
_PLAIN = (type(None), bool, int, float, str)


def described_module(module: ModuleType) -> dict[str, Golden]:
    """Return the public names of a module, each with its description."""
    names = {name for name in (*getattr(module, "__all__", ()), *dir(module)) if not name.startswith("_")}
    return {
        name: described(value, constructed=name not in RETURNED)
        for name in sorted(names)
        if not isinstance(value := _value(module, name), ModuleType) or value.__name__.startswith("wandb.")
    }


def described(value: object, *, constructed: bool = True) -> Golden:
    """Return signature, members or type of a value; no signature of a class that users do not construct."""
    if isinstance(value, ModuleType):
        return "module"
    if inspect.isclass(value):
        if not constructed:
            called = "not constructed by users"
        elif issubclass(value, Enum):  # the signature of enumerations depends on the version of Python
            called = "an enumeration"
        else:
            called = _signature(value)
        return {
            "class": called,
            "is a": sorted({base.__name__ for base in value.__mro__[1:-1] if _is_known(base)}),
            "members": {name: _member(value, name) for name in sorted(dir(value)) if _is_public(name, value)},
        }
    if callable(value) and not type(value).__name__.startswith("Refused"):
        return f"function {_signature(value)}"
    return f"a {type(value).__name__}"


def _is_known(base: type) -> bool:
    """Return True for base classes that users see: Python's except typing's, and public names of sweepd."""
    if base.__module__.partition(".")[0] == "sweepd":
        return base.__name__ in sweepd.__all__
    return base.__name__ not in ("ABC", "Generic", "Protocol")


def _is_public(name: str, owner: type) -> bool:
    special = {
        "__call__",
        "__enter__",
        "__exit__",
        "__aenter__",
        "__aexit__",
        "__iter__",
        "__aiter__",
        "__len__",
    }
    special |= {"__getitem__", "__setitem__", "__delitem__", "__contains__", "__await__", "__getattr__"}
    if name in special:
        return any(name in vars(base) for base in owner.__mro__ if base.__module__ != "builtins")
    if name.startswith("_") and not name.startswith("_repr_"):
        return False
    return not any(name in vars(base) for base in owner.__mro__ if base.__module__ == "builtins")


def _member(owner: type, name: str) -> Golden:
    static = inspect.getattr_static(owner, name)
    kind = "async method" if inspect.iscoroutinefunction(getattr(static, "__func__", static)) else "method"
    match static:
        case staticmethod() | classmethod():
            return f"{type(static).__name__} {_signature(getattr(owner, name))}"
        case property():
            return "property" if static.fset is None else "property, may be set"
        case _ if inspect.isfunction(static):
            return f"{kind} {_signature(static)}"
        case _ if inspect.isclass(static):
            return "class"
        case _:
            return "attribute"


def _signature(value: object) -> str:
    try:
        signature = inspect.signature(value)  # type: ignore[arg-type]  # callable, or it raises
    except (TypeError, ValueError):
        return "(…)"
    shown = []
    for parameter in signature.parameters.values():
        plain = parameter.default is inspect.Parameter.empty or isinstance(parameter.default, _PLAIN)
        default = parameter.default if plain else _Shown()
        shown.append(parameter.replace(annotation=inspect.Parameter.empty, default=default))
    return str(inspect.Signature(shown))


class _Shown:
    def __repr__(self) -> str:
        return "…"


def _value(module: ModuleType, name: str) -> object:
    try:
        return getattr(module, name)
    except Exception as error:  # noqa: BLE001 - what a user gets is what is frozen
        return error
