"""Conversion between messages and what they are inside processes.

Each name is loaded at its first use: an agent, which only reads points, loads nothing of specifications.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweepd.codec.diagnostics import diagnostic_from_message, diagnostic_message
    from sweepd.codec.spec import parameters_document, spec_document, spec_from_message, spec_message
    from sweepd.codec.values import (
        CodecError,
        point_from_message,
        point_message,
        value_from_message,
        value_message,
    )

__all__ = [
    "CodecError",
    "diagnostic_from_message",
    "diagnostic_message",
    "parameters_document",
    "point_from_message",
    "point_message",
    "spec_document",
    "spec_from_message",
    "spec_message",
    "value_from_message",
    "value_message",
]

_HOMES = {
    "diagnostic_from_message": "diagnostics",
    "diagnostic_message": "diagnostics",
    "parameters_document": "spec",
    "spec_document": "spec",
    "spec_from_message": "spec",
    "spec_message": "spec",
}

if not TYPE_CHECKING:  # a type checker must still see misspelt names

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'sweepd.codec' has no attribute {name!r}")
        home = import_module(f"sweepd.codec.{_HOMES.get(name, 'values')}")
        value = globals()[name] = getattr(home, name)
        return value
