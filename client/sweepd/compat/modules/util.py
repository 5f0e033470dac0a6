"""Counterparts of internal functions of W&B that libraries and scripts use."""

import importlib
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def generate_id(length: int = 8) -> str:
    """Return a random id of lower-case letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def make_artifact_name_safe(name: str) -> str:
    """Return a valid artifact name: replace invalid characters with `_`, shorten to 128 characters."""
    safe = re.sub(r"[^a-zA-Z0-9_\-.]", "_", name)
    return safe if len(safe) <= 128 else f"{safe[:63]}..{safe[-63:]}"


def get_module(name: str, required: str | bool | None = None, lazy: bool = True) -> ModuleType | None:
    """Import a module; return None if it cannot be imported.

    Raises:
        ImportError: the import failed, and `required` is set; it becomes the message of the error.
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


def parse_config(
    params: Mapping[str, object] | object,
    exclude: Iterable[str] | None = None,
    include: Iterable[str] | None = None,
) -> dict[str, object]:
    """Return the values of a mapping or a namespace, filtered by `exclude` or `include`."""
    values = dict(params) if isinstance(params, Mapping) else dict(vars(params))
    if exclude is not None and include is not None:
        raise ValueError("parse_config: pass exclude or include, not both")
    if include is not None:
        kept = set(include)
        return {name: value for name, value in values.items() if name in kept}
    left_out = set(exclude or ())
    return {name: value for name, value in values.items() if name not in left_out}
