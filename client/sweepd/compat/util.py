"""Functions of W&B's package that libraries and scripts have come to use."""

import importlib
import re
import secrets
import sys
from collections.abc import Callable
from types import ModuleType

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def generate_id(length: int = 8) -> str:
    """Return a random id of small letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def make_artifact_name_safe(name: str) -> str:
    """Return a name with `_` for what names of artifacts do not have, at most 128 letters."""
    safe = re.sub(r"[^a-zA-Z0-9_\-.]", "_", name)
    return safe if len(safe) <= 128 else f"{safe[:63]}..{safe[-63:]}"


def get_module(name: str, required: str | bool | None = None, lazy: bool = True) -> ModuleType | None:
    """Return a module, None if there is none.

    Raises:
        ImportError: there is none, and `required` says what to tell then.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        if required:
            raise ImportError(str(required)) from None
        return None


def add_import_hook(fullname: str, on_import: Callable[[], object]) -> None:
    """Call `on_import` if that module has been imported; later imports of it go unseen."""
    if fullname in sys.modules:
        on_import()
