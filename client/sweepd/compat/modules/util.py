"""Internal functions of W&B that libraries and scripts use."""

import importlib
import re
import secrets
import sys
from collections.abc import Callable
from types import ModuleType

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def generate_id(length: int = 8) -> str:
    """Return a random id of lower-case letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def make_artifact_name_safe(name: str) -> str:
    """Return a valid artifact name: `_` for other characters, at most 128 characters."""
    safe = re.sub(r"[^a-zA-Z0-9_\-.]", "_", name)
    return safe if len(safe) <= 128 else f"{safe[:63]}..{safe[-63:]}"


def get_module(name: str, required: str | bool | None = None, lazy: bool = True) -> ModuleType | None:
    """Import a module; return None if it does not exist.

    Raises:
        ImportError: it does not exist, and `required` is the message.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        if required:
            raise ImportError(str(required)) from None
        return None


def add_import_hook(fullname: str, on_import: Callable[[], object]) -> None:
    """Call `on_import` if the module is already imported; later imports have no effect."""
    if fullname in sys.modules:
        on_import()
