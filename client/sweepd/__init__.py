"""What `import sweepd` offers, each name loaded at its first use; the standard library is enough."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweepd.script.config import Config
    from sweepd.script.run import Run
    from sweepd.script.session import finish, init, log

    config: Config

__all__ = ["Run", "config", "finish", "init", "log"]

_HOMES = {
    "Run": "sweepd.script.run",
    "finish": "sweepd.script.session",
    "init": "sweepd.script.session",
    "log": "sweepd.script.session",
}

if not TYPE_CHECKING:  # a type checker must go on seeing misspelt names

    def __getattr__(name: str) -> object:
        if name == "config":  # belongs to the run of the moment, so it is looked up each time
            return import_module("sweepd.script.session").config()
        if name not in _HOMES:
            raise AttributeError(f"module 'sweepd' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
