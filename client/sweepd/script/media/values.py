"""Storage of logged values that are not numbers: media, and objects of other libraries."""

from collections.abc import Sequence
from pathlib import Path

from sweepd.script.media.arrays import is_array
from sweepd.script.media.image import Image
from sweepd.script.media.recordings import Plotly
from sweepd.script.media.store import MediaFile, Storable
from sweepd.script.media.table import Histogram, Table


def wrapped(value: object) -> Storable | None:
    """Wrap an object of another library as media; return None if its type is unknown."""
    origin, name = type(value).__module__.partition(".")[0], type(value).__name__
    if origin in ("matplotlib", "PIL") or getattr(value, "__name__", None) == "matplotlib.pyplot":
        return Image(value)
    if origin == "plotly":
        return Plotly(value)
    if origin == "pandas" and name == "DataFrame":
        return Table(dataframe=value)
    if is_array(value):
        return Histogram(value)
    return None


def store_value(files: Path | None, key: str, value: object, step: int | None) -> object:
    """Store a value and return its path relative to `files`, or a list of paths.

    For a list of one value, return its path alone, which needs no group in the row.

    Args:
        files: folder of the run's files; None: store nothing.
        key: key under which the value was logged.
        value: value to store.
        step: step of the row, if known.

    Raises:
        TypeError: the value cannot be stored.
    """
    if isinstance(value, Storable):
        return _stored(files, value, key, step, 0)
    if isinstance(value, list | tuple) and value and all(isinstance(each, Storable) for each in value):
        paths = [_stored(files, each, key, step, number) for number, each in enumerate(value)]
        return paths[0] if len(paths) == 1 else paths
    known = wrapped(value)
    if known is None:
        detail = (
            f"{len(value)} items that cannot be stored"
            if isinstance(value, Sequence)
            else "neither a number nor media"
        )
        raise TypeError(f"{type(value).__name__}: {detail}")
    return _stored(files, known, key, step, 0)


def _stored(files: Path | None, value: object, key: str, step: int | None, number: int) -> object:
    if files is None:
        return None
    assert isinstance(value, Storable)
    try:
        return str(value.store(MediaFile(files, key, step, number)).relative_to(files))
    except Exception as error:  # an encoder may raise anything; the training continues
        raise TypeError(f"{type(value).__name__}: {error}") from error
