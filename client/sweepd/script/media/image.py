"""Images."""

import io
import math
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol, runtime_checkable

from sweepd.script.errors import MissingAttributes, UsageError
from sweepd.script.media.arrays import Nested, array_of, is_array, listed, picture
from sweepd.script.media.store import MediaFile, copy, is_file

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


@runtime_checkable
class _Saves(Protocol):
    """Image of PIL."""

    def save(self, fp: str, format: str) -> None:  # noqa: A002 (PIL's name)
        """Write a file."""


@runtime_checkable
class _SavesFigure(Protocol):
    """Figure of matplotlib."""

    def savefig(self, fname: IO[bytes], *, format: str) -> None:  # noqa: A002 (matplotlib's name)
        """Write a file."""


class Image(MissingAttributes):
    """Image: a file, an array of shape (height, width[, channels]), a PIL image or a matplotlib figure.

    `Image(pyplot)` takes the current figure. Figures and arrays are encoded when the object is created.
    Floats from 0 to 1 and booleans are scaled to 0 to 255. Arrays with 1, 3 or 4 channels in the first
    dimension, as in torch, are transposed. Four dimensions are a batch, which becomes one image from left to
    right.
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
        """Encode the image; `boxes`, `masks`, `classes`, `grouping` and `mode` have no effect."""
        self.caption = caption
        self._data = data_or_path
        self._file_type = (file_type or "png").lower()
        if isinstance(data_or_path, Image):
            self._data = data_or_path._data  # noqa: SLF001 (of the same class)
            self._file_type = data_or_path._file_type  # noqa: SLF001
        elif isinstance(data_or_path, str | Path):
            if not is_file(data_or_path):
                raise UsageError(f"Image: the file {data_or_path} does not exist")
        elif (figure := _figure(data_or_path)) is not None:
            self._data = _drawn(figure, self._file_type)
        elif not isinstance(data_or_path, _Saves):
            self._data, self._file_type = _picture(data_or_path), "png"

    def store(self, target: MediaFile) -> Path:
        """Write the file and return its path."""
        data = self._data
        suffix = Path(data).suffix.lower() if isinstance(data, str | Path) else ""
        with target.fresh("media/images", suffix or f".{self._file_type}") as path:
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
            raise TypeError(f"{type(data).__name__} is not an image")


def _figure(value: object) -> _SavesFigure | None:
    """Return the figure that a value is or belongs to; for pyplot the current one."""
    if getattr(value, "__name__", None) == "matplotlib.pyplot":
        current: Callable[[], object] | None = getattr(value, "gcf", None)
        value = None if current is None else current()
    for known in (value, getattr(value, "figure", None)):
        if isinstance(known, _SavesFigure):
            return known
    return None


def _drawn(figure: _SavesFigure, kind: str) -> bytes:
    """Return an encoded figure, at once because scripts clear their figures."""
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()


def _picture(value: object) -> bytes:
    """Return an array as PNG, at once because the array may change."""
    numbers = array_of(value)
    made = None if numbers is None else picture(numbers)
    if made is not None:
        return _encoded(*made)
    array = listed(value) if is_array(value) or isinstance(value, list | tuple) else None
    if not isinstance(array, list) or not array:
        raise UsageError(f"Image: expected a file, an array or an image, not {type(value).__name__}")
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
    """Return whether samples range from 0 to 1."""
    if all(isinstance(number, bool) for number in samples):
        return True
    largest = max((number for number in samples if math.isfinite(number)), default=0.0)
    return largest <= 1.0 and any(isinstance(number, float) for number in samples)


def _depth(array: Nested) -> int:
    return 1 + _depth(array[0]) if isinstance(array, list) and array else 0


def _beside(batch: Sequence[Nested]) -> list[list[list[float]]]:
    """Return a batch of images as one, from left to right."""
    pictures = [_rows(_as_list(picture)) for picture in batch]
    return [[pixel for row in rows for pixel in row] for rows in zip(*pictures, strict=True)]


def _rows(array: Sequence["Nested"]) -> list[list[list[float]]]:
    """Return rows of pixels of samples."""
    rows = [_as_list(row) for row in array]
    if rows and isinstance(rows[0][0], list):
        if len(rows) in (1, 3, 4) and len(_as_list(rows[0][0])) not in (1, 3, 4):
            planes = [[_numbers(row) for row in plane] for plane in rows]
            return [
                [list(pixel) for pixel in zip(*lines, strict=True)] for lines in zip(*planes, strict=True)
            ]
        return [[_numbers(pixel) for pixel in row] for row in rows]
    return [[[number] for number in _numbers(row)] for row in rows]


def _as_list(value: Nested) -> list["Nested"]:
    if isinstance(value, list) and value:
        return value
    raise UsageError("Image: expected shape (height, width) or (height, width, channels)")


def _numbers(value: "Nested") -> list[float]:
    if isinstance(value, list):
        return [number for number in value if not isinstance(number, list)]
    raise UsageError("Image: expected shape (height, width) or (height, width, channels)")


def png(width: int, height: int, channels: int, samples: bytes) -> bytes:
    """Return a PNG file of 8 bits per sample. Format: W3C, Portable Network Graphics, 3rd edition.

    Args:
        width: pixels.
        height: pixels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        samples: rows of `width * channels` bytes.

    Raises:
        ValueError: sizes that do not match.
    """
    stride = width * channels
    if channels not in _COLOUR_TYPES or not stride or not height or len(samples) != stride * height:
        raise ValueError(f"{len(samples)} samples are not an image of {width} x {height} x {channels}")
    rows = b"".join(b"\0" + samples[start : start + stride] for start in range(0, len(samples), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum
