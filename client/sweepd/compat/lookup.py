"""Finds what stands for a name of W&B's module; unknown names and refused ones say so."""

import sys
from importlib import import_module

from sweepd.compat.errors import NotSupportedError
from sweepd.compat.names import NAMES, PAGE, Name, Support

_OURS = "sweepd.compat"


class Refused:
    """Stands for something that there is not; who uses it learns why, who only imports it goes on."""

    def __init__(self, name: str, note: str) -> None:
        self._message = f"wandb.{name} is not supported by sweepd: {note}; see {PAGE}"

    def __call__(self, *_arguments: object, **_named: object) -> object:
        """Refuse."""
        raise NotSupportedError(self._message)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):  # copying, pickling, looking for a spec: nobody uses it
            raise AttributeError(name)
        raise NotSupportedError(self._message)

    def __repr__(self) -> str:
        return f"<{self._message}>"


def find(name: str, module: str) -> object:
    """Return what stands for a public name of W&B's module.

    Args:
        name: the name.
        module: under which name it was asked for, for the message.

    Raises:
        AttributeError: W&B has no such name, or it is too new to be known here.
    """
    known = NAMES.get(name)
    if known is None:
        raise AttributeError(
            f"module {module!r} has no attribute {name!r}: sweepd knows no such name of wandb; {PAGE} has all"
        )
    if known.support is Support.REFUSED:
        return Refused(name, known.note)
    if (name, module) == ("errors", "sweepd"):
        return import_module("sweepd.errors")  # it has W&B's, too: one module, whoever asks first
    return _found(name, known)


def _found(name: str, known: Name) -> object:
    if not known.home:
        sweepd = import_module("sweepd")
        if name not in sweepd.__all__:
            raise AttributeError(f"module 'sweepd' has no attribute {name!r} yet; see {PAGE}")
        try:
            return getattr(sweepd, name)
        except ModuleNotFoundError as error:  # the script's Python has not what sweepd needs for it
            raise NotSupportedError(
                f"wandb.{name} needs sweepd installed where the script runs: {error}; see {PAGE}"
            ) from error
    if known.home == "itself":
        return sys.modules.get("wandb") or import_module("sweepd")
    module, _, attribute = known.home.partition(":")
    if module == "submodules":
        from sweepd.compat.submodules import submodule

        return submodule(attribute)
    home = import_module(f"{_OURS}.{module}")
    return getattr(home, attribute) if attribute else home
