"""What numpy does a hundred times faster, where the script has loaded it; the results are those of lists."""

import sys
from collections.abc import Iterator
from typing import Protocol

from sweepd.script.media.arrays import is_array, on_host


class _Kind(Protocol):
    @property
    def kind(self) -> str: ...


class _Array(Protocol):
    """An array of numpy, as far as it is needed."""

    @property
    def dtype(self) -> _Kind: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    def __getitem__(self, key: object) -> "_Array": ...
    def __iter__(self) -> "Iterator[_Array]": ...
    def __mul__(self, other: float) -> "_Array": ...
    def astype(self, kind: str) -> "_Array": ...
    def clip(self, low: float, high: float) -> "_Array": ...
    def ravel(self) -> "_Array": ...
    def tobytes(self) -> bytes: ...
    def max(self, *, initial: float) -> float: ...
    def min(self, *, initial: float) -> float: ...


def array_of(value: object) -> _Array | None:
    """Return the numbers of an array; None if it is none, or there is no numpy to hold them."""
    numpy = sys.modules.get("numpy")  # never imported: many scripts do without
    if numpy is None or not is_array(value):
        return None
    try:
        array: _Array = numpy.asarray(on_host(value))
    except Exception:  # noqa: BLE001 (kinds of numbers that numpy lacks, as bfloat16, can still be listed)
        return None
    return array if array.dtype.kind in "biuf" else None


def picture(array: _Array) -> tuple[int, int, int, bytes] | None:
    """Return the width, the height, the channels and the samples of a picture; None if it is none."""
    if not array.size or array.ndim not in (2, 3, 4):
        return None
    numpy = sys.modules["numpy"]
    several = [_upright(each) for each in array] if array.ndim == 4 else [_upright(array)]
    samples: _Array = numpy.concatenate(several, axis=1).astype("f8")
    finite: _Array = samples[numpy.isfinite(samples)]
    kind = array.dtype.kind
    if kind == "b" or (kind == "f" and finite.max(initial=0.0) <= 1.0):
        samples = samples * 255.0
    samples = numpy.nan_to_num(samples, nan=0.0, posinf=255.0, neginf=0.0).clip(0.0, 255.0)
    rounded: _Array = numpy.rint(samples).astype("u1")
    height, width, channels = samples.shape
    return width, height, channels, rounded.tobytes()


def counted(array: _Array, parts: int) -> tuple[list[float], list[float]] | None:
    """Return the counts of the finite values, and the edges; None where the range is out of the ordinary."""
    numpy = sys.modules["numpy"]
    values = array.astype("f8").ravel()
    finite: _Array = values[numpy.isfinite(values)]
    low, high = finite.min(initial=numpy.inf), finite.max(initial=-numpy.inf)
    if not low < high or not 1e-300 < high / 2 - low / 2 < 1e300:
        return None
    counts, edges = numpy.histogram(finite, bins=parts, range=(low, high))
    return counts.astype("f8").tolist(), edges.tolist()


def frames(array: _Array) -> tuple[int, bytes] | None:
    """Return the channels and the samples of a sound, of 16 bits each; None if it is none."""
    if array.ndim not in (1, 2):
        return None
    numpy = sys.modules["numpy"]
    samples = array.astype("f8")
    if array.dtype.kind in "biu":
        samples = samples.clip(-32768, 32767)
    else:
        samples = numpy.rint(numpy.nan_to_num(samples, nan=1.0).clip(-1.0, 1.0) * 32767)
    return (1 if array.ndim == 1 else array.shape[1]), samples.astype("<i2").tobytes()


def _upright(array: _Array) -> _Array:
    """Return rows of pixels of samples, whatever the shape was."""
    if array.ndim == 2:
        return array[:, :, None]
    turned = array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4)
    upright: _Array = sys.modules["numpy"].moveaxis(array, 0, -1) if turned else array
    return upright
