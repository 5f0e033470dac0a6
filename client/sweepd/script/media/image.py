"""Images, and an encoder of PNG files."""

import io
import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol, cast, runtime_checkable

from sweepd.script.errors import UsageError
from sweepd.script.media.arrays import Nested, array_of, is_array, listed, picture
from sweepd.script.media.store import Media, existing_file

_SHAPES = "Image: expected shape (height, width) or (height, width, channels)"
_Rows = list[list[list[float]]]
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


class Image(Media):
    """Image: a file, an array of shape (height, width[, channels]), a PIL image or a matplotlib figure.

    `Image(pyplot)` takes the current figure. Figures and arrays are encoded when the object is created.
    Floats from 0 to 1 and booleans are scaled to 0 to 255. Arrays with 1, 3 or 4 channels in the first
    dimension, as in torch, are transposed. An array of four dimensions is a batch, whose images are joined
    from left to right.
    """

    _folder = "media/images"

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
        """Encode the image; apart from `data_or_path`, only `caption` and `file_type` have an effect."""
        self.caption = caption
        self._content = data_or_path
        self._suffix = f".{(file_type or 'png').lower()}"
        if isinstance(data_or_path, Image):
            self._content, self._suffix = data_or_path._content, data_or_path._suffix  # noqa: SLF001
        elif (file := existing_file("Image", data_or_path)) is not None:
            self._content, self._suffix = file, file.suffix.lower() or self._suffix
        elif (figure := _figure(data_or_path)) is not None:
            self._content = _encoded_figure(figure, self._suffix[1:])
        elif not isinstance(data_or_path, _Saves):
            self._content, self._suffix = _encoded_array(data_or_path), ".png"

    def _write(self, path: Path) -> None:
        if isinstance(self._content, _Saves):
            kind = self._suffix[1:].upper()
            self._content.save(str(path), format="JPEG" if kind == "JPG" else kind)
        else:
            super()._write(path)


def _figure(value: object) -> _SavesFigure | None:
    """Return the figure of a matplotlib object, for pyplot the current figure; None for other values."""
    if getattr(value, "__name__", None) == "matplotlib.pyplot":
        current: Callable[[], object] | None = getattr(value, "gcf", None)
        value = None if current is None else current()
    for known in (value, getattr(value, "figure", None)):
        if isinstance(known, _SavesFigure):
            return known
    return None


def _encoded_figure(figure: _SavesFigure, kind: str) -> bytes:
    """Encode a figure, at once because scripts clear their figures."""
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()


def _encoded_array(value: object) -> bytes:
    """Encode an array as PNG, at once because the array may change."""
    numbers = array_of(value)
    found = None if numbers is None else picture(numbers)
    if found is not None:
        return _encoded_samples(*found)
    array = listed(value) if is_array(value) or isinstance(value, list | tuple) else None
    if not isinstance(array, list) or not array:
        raise UsageError(f"Image: expected a file, an array or an image, not {type(value).__name__}")
    try:
        rows = _rows(array)
    except TypeError as error:  # not all elements of a dimension are lists
        raise UsageError(_SHAPES) from error
    channels = len(rows[0][0])
    samples = [number for row in rows for pixel in row for number in pixel]
    scale = 255.0 if _are_fractions(samples) else 1.0
    data = bytes(0 if number != number else round(max(0, min(255, number * scale))) for number in samples)
    return _encoded_samples(len(rows[0]), len(rows), channels, data)


def _encoded_samples(width: int, height: int, channels: int, samples: bytes) -> bytes:
    try:
        return png(width, height, channels, samples)
    except ValueError as error:
        raise UsageError(f"Image: {error}") from error


def _are_fractions(samples: list[float]) -> bool:
    """Return True if the samples are booleans, or floats of at most 1."""
    if all(isinstance(number, bool) for number in samples):
        return True
    largest = max((number for number in samples if math.isfinite(number)), default=0.0)
    return largest <= 1.0 and any(isinstance(number, float) for number in samples)


def _depth(array: Nested) -> int:
    return 1 + _depth(array[0]) if isinstance(array, list) and array else 0


def _rows(array: Nested) -> _Rows:
    """Return the rows of an image as lists of pixels; join the images of a batch from left to right.

    Raises:
        UsageError: the shape is not that of an image or a batch.
    """
    match _depth(array):
        case 2:
            return [[[number] for number in row] for row in cast("list[list[float]]", array)]
        case 3:
            rows = cast("_Rows", array)
            if len(rows) not in (1, 3, 4) or len(rows[0][0]) in (1, 3, 4):
                return rows
            return [[list(pixel) for pixel in zip(*lines, strict=True)] for lines in zip(*rows, strict=True)]
        case 4:
            images = [_rows(image) for image in cast("list[Nested]", array)]
            return [[pixel for row in rows for pixel in row] for rows in zip(*images, strict=True)]
    raise UsageError(_SHAPES)


def png(width: int, height: int, channels: int, samples: bytes) -> bytes:
    """Return a PNG file with 8 bits per sample. Format: W3C, Portable Network Graphics, 3rd edition.

    Args:
        width: width in pixels.
        height: height in pixels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        samples: rows, each of `width * channels` bytes.

    Raises:
        ValueError: the number of samples does not match the sizes, or an argument is invalid.
    """
    stride = width * channels
    if channels not in _COLOUR_TYPES or not stride or not height or len(samples) != stride * height:
        raise ValueError(f"{len(samples)} samples do not make an image of {width} x {height} x {channels}")
    rows = b"".join(b"\0" + samples[start : start + stride] for start in range(0, len(samples), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum
