"""Media of W&B that are not stored: logging one gives one warning and leaves it out."""

from collections.abc import Callable
from pathlib import Path

from sweepd.script.media.store import MediaFile


class _Makers(type):
    """Class whose class methods of any name return an instance: `Object3D.from_numpy(…)`."""

    def __getattr__(cls, name: str) -> Callable[..., object]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *ignored, **more: cls()


class _Ignored(metaclass=_Makers):
    """Accepts the arguments of its W&B counterpart; `log` leaves it out with a warning."""

    def __init__(self, *ignored: object, **more: object) -> None:
        """Accept any arguments."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *ignored, **more: None

    def store(self, target: MediaFile) -> Path:
        """Raise TypeError."""
        raise TypeError(f"sweepd.{type(self).__name__} is not stored")


class Object3D(_Ignored):
    """Three-dimensional scenes."""


class Molecule(_Ignored):
    """Molecules."""


class Graph(_Ignored):
    """Graphs of models."""


class Bokeh(_Ignored):
    """Charts of bokeh."""
