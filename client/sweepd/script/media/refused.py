"""What is not kept: named in one warning each, and a training goes on without it."""

from collections.abc import Callable
from pathlib import Path

from sweepd.script.kept import Place


class _Makers(type):
    """Classes whose class methods, of whatever name, make one: `Object3D.from_numpy(…)`."""

    def __getattr__(cls, name: str) -> Callable[..., object]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *ignored, **more: cls()


class _Refused(metaclass=_Makers):
    """Takes whatever its namesake takes; it is left out of the row with a warning when it is logged."""

    def __init__(self, *ignored: object, **more: object) -> None:
        """Take anything."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *ignored, **more: None

    def store(self, place: Place) -> Path:
        """Refuse."""
        raise TypeError(f"sweepd.{type(self).__name__} is not kept")


class Object3D(_Refused):
    """Three-dimensional scenes."""


class Molecule(_Refused):
    """Molecules."""


class Graph(_Refused):
    """Graphs of models."""


class Bokeh(_Refused):
    """Charts of bokeh."""
