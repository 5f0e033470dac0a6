"""Pictures."""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol, runtime_checkable

from sweepd.script.errors import UsageError
from sweepd.script.familiar import Familiar
from sweepd.script.kept import Place, copy, is_file
from sweepd.script.media.arrays import Nested, is_array, listed
from sweepd.script.media.png import png
from sweepd.script.media.with_numpy import array_of, picture


@runtime_checkable
class _Saves(Protocol):
    """A picture of PIL."""

    def save(self, fp: str, format: str) -> None:  # noqa: A002 (PIL's name)
        """Write a file."""


@runtime_checkable
class _SavesFigure(Protocol):
    """A figure of matplotlib."""

    def savefig(self, fname: IO[bytes], *, format: str) -> None:  # noqa: A002 (matplotlib's name)
        """Write a file."""


class Image(Familiar):
    """A picture: a file, an array of (height, width[, channels]), a picture of PIL, a figure of matplotlib.

    `Image(pyplot)` is its current figure. Figures and arrays are taken as they are when this is made.
    Numbers of a floating kind from 0 to 1 and booleans are scaled to 0 to 255. Arrays whose first dimension
    is 1, 3 or 4 and whose last is none of these, as torch has them, are turned. Four dimensions are several
    pictures, which become one, from left to right.
    """

    def __init__(
        self,
        data_or_path: object,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: object = None,
        boxes: object = None,
        masks: object = None,
        file_type: str | None = None,
        normalize: bool = True,
    ) -> None:
        """Take a picture; `boxes`, `masks`, `classes`, `grouping` and `mode` have no effect."""
        self.caption = caption
        self._data = data_or_path
        self._file_type = (file_type or "png").lower()
        if isinstance(data_or_path, Image):
            self._data = data_or_path._data  # noqa: SLF001 (of the same class)
            self._file_type = data_or_path._file_type  # noqa: SLF001
        elif isinstance(data_or_path, str | Path):
            if not is_file(data_or_path):
                raise UsageError(f"Image: the file {data_or_path} is not there")
        elif (figure := _figure(data_or_path)) is not None:
            self._data = _drawn(figure, self._file_type)
        elif not isinstance(data_or_path, _Saves):
            self._data, self._file_type = _picture(data_or_path), "png"

    def store(self, place: Place) -> Path:
        """Write the file and return its path."""
        data = self._data
        suffix = Path(data).suffix.lower() if isinstance(data, str | Path) else ""
        with place.fresh("media/images", suffix or f".{self._file_type}") as path:
            self._write(data, path)
        return path

    def _write(self, data: object, path: Path) -> None:
        if isinstance(data, str | Path):
            copy(Path(data), path)
        elif isinstance(data, bytes):
            path.write_bytes(data)
        elif isinstance(data, _Saves):
            kind = "JPEG" if self._file_type in ("jpg", "jpeg") else self._file_type.upper()
            data.save(str(path), format=kind)
        else:
            raise TypeError(f"{type(data).__name__} is no picture")


def _figure(value: object) -> _SavesFigure | None:
    """Return the figure that a value is or belongs to; of pyplot itself the current one."""
    if getattr(value, "__name__", None) == "matplotlib.pyplot":
        current: Callable[[], object] | None = getattr(value, "gcf", None)
        value = None if current is None else current()
    for known in (value, getattr(value, "figure", None)):
        if isinstance(known, _SavesFigure):
            return known
    return None


def _drawn(figure: _SavesFigure, kind: str) -> bytes:
    """Return a figure as the bytes of a file; made now, since scripts clear their figures."""
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()


def _picture(value: object) -> bytes:
    """Return an array as the bytes of a PNG file; made now, since the array may change."""
    numbers = array_of(value)
    made = None if numbers is None else picture(numbers)
    if made is not None:
        return _encoded(*made)
    array = listed(value) if is_array(value) or isinstance(value, list | tuple) else None
    if not isinstance(array, list) or not array:
        raise UsageError(f"Image: a file, an array or a picture, not {type(value).__name__}")
    rows = _beside(array) if _depth(array) == 4 else _rows(array)
    channels = len(rows[0][0])
    samples = [number for row in rows for pixel in row for number in pixel]
    scale = 255.0 if _are_shares(samples) else 1.0
    data = bytes(0 if number != number else round(max(0, min(255, number * scale))) for number in samples)
    return _encoded(len(rows[0]), len(rows), channels, data)


def _encoded(width: int, height: int, channels: int, samples: bytes) -> bytes:
    try:
        return png(width, height, channels, samples)
    except ValueError as error:
        raise UsageError(f"Image: {error}") from error


def _are_shares(samples: list[float]) -> bool:
    """Tell whether samples are shares of the full brightness."""
    if all(isinstance(number, bool) for number in samples):
        return True
    largest = max((number for number in samples if math.isfinite(number)), default=0.0)
    return largest <= 1.0 and any(isinstance(number, float) for number in samples)


def _depth(array: Nested) -> int:
    return 1 + _depth(array[0]) if isinstance(array, list) and array else 0


def _beside(batch: Sequence[Nested]) -> list[list[list[float]]]:
    """Return several pictures of one size as one, from left to right."""
    pictures = [_rows(_as_list(picture)) for picture in batch]
    return [[pixel for row in rows for pixel in row] for rows in zip(*pictures, strict=True)]


def _rows(array: Sequence["Nested"]) -> list[list[list[float]]]:
    """Return rows of pixels of samples, whatever the shape was."""
    rows = [_as_list(row) for row in array]
    if rows and isinstance(rows[0][0], list):
        if len(rows) in (1, 3, 4) and len(_as_list(rows[0][0])) not in (1, 3, 4):
            planes = [[[float(x) for x in _numbers(row)] for row in plane] for plane in rows]
            return [
                [list(pixel) for pixel in zip(*lines, strict=True)] for lines in zip(*planes, strict=True)
            ]
        return [[_numbers(pixel) for pixel in row] for row in rows]
    return [[[number] for number in _numbers(row)] for row in rows]


def _as_list(value: Nested) -> list["Nested"]:
    if isinstance(value, list) and value:
        return value
    raise UsageError("Image: an array of (height, width) or (height, width, channels)")


def _numbers(value: "Nested") -> list[float]:
    if isinstance(value, list):
        return [number for number in value if not isinstance(number, list)]
    raise UsageError("Image: an array of (height, width) or (height, width, channels)")
