"""Arrays of numpy, torch and other libraries, recognised by their methods without importing a library."""

import sys
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

Nested = list["Nested"] | float | int | bool


@runtime_checkable
class _Listed(Protocol):
    @property
    def shape(self) -> object:
        """Sizes of the dimensions."""

    def tolist(self) -> "Nested":
        """Return the values as nested lists."""


def is_array(value: object) -> bool:
    """Return True if a value has `shape` and `tolist`."""
    return isinstance(value, _Listed)


def on_host(value: object) -> object:
    """Detach a tensor and move it to the CPU; return other values unchanged."""
    for name in ("detach", "cpu"):
        method: object = getattr(value, name, None)
        if callable(method):
            value = method()
    return value


def listed(value: object) -> "Nested":
    """Return the values of an array, or of a tensor on any device, as nested lists.

    Raises:
        TypeError: the value is neither an array nor a list or tuple.
    """
    value = on_host(value)
    if isinstance(value, _Listed):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [listed(each) if isinstance(each, list | tuple) or is_array(each) else each for each in value]
    raise TypeError(f"{type(value).__name__} is not an array")


def flat(values: "Nested") -> list[float]:
    """Return the numbers of nested lists as one list."""
    if isinstance(values, list):
        return [number for inner in values for number in flat(inner)]
    return [values]


class _Kind(Protocol):
    @property
    def kind(self) -> str: ...


class _Array(Protocol):
    """Array of numpy, with the attributes that this module uses."""

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
    """Return a numeric array as a numpy array; None for other values, or if numpy is not loaded."""
    numpy = sys.modules.get("numpy")  # never imported: many scripts do not use it
    if numpy is None or not is_array(value):
        return None
    try:
        array: _Array = numpy.asarray(on_host(value))
    except Exception:  # noqa: BLE001 (types that numpy lacks, such as bfloat16, still have `tolist`)
        return None
    return array if array.dtype.kind in "biuf" else None


def picture(array: _Array) -> tuple[int, int, int, bytes] | None:
    """Return width, height, channels and samples of an image; None if the array has no such shape."""
    if not array.size or array.ndim not in (2, 3, 4):
        return None
    numpy = sys.modules["numpy"]
    images = [_channels_last(each) for each in array] if array.ndim == 4 else [_channels_last(array)]
    samples: _Array = numpy.concatenate(images, axis=1).astype("f8")
    finite: _Array = samples[numpy.isfinite(samples)]
    kind = array.dtype.kind
    if kind == "b" or (kind == "f" and finite.max(initial=0.0) <= 1.0):
        samples = samples * 255.0
    samples = numpy.nan_to_num(samples, nan=0.0, posinf=255.0, neginf=0.0).clip(0.0, 255.0)
    rounded: _Array = numpy.rint(samples).astype("u1")
    height, width, channels = samples.shape
    return width, height, channels, rounded.tobytes()


def counted(array: _Array, parts: int) -> tuple[list[float], list[float]] | None:
    """Count the finite values in `parts` bins; return counts and edges, None if the range is unsuitable."""
    numpy = sys.modules["numpy"]
    values = array.astype("f8").ravel()
    finite: _Array = values[numpy.isfinite(values)]
    low, high = finite.min(initial=numpy.inf), finite.max(initial=-numpy.inf)
    if not low < high or not 1e-300 < high / 2 - low / 2 < 1e300:
        return None
    counts, edges = numpy.histogram(finite, bins=parts, range=(low, high))
    return counts.astype("f8").tolist(), edges.tolist()


def frames(array: _Array) -> tuple[int, bytes] | None:
    """Return channel count and 16-bit samples of audio; None unless the array has one or two dimensions."""
    if array.ndim not in (1, 2):
        return None
    numpy = sys.modules["numpy"]
    samples = array.astype("f8")
    if array.dtype.kind in "biu":
        samples = samples.clip(-32768, 32767)
    else:
        samples = numpy.rint(numpy.nan_to_num(samples, nan=1.0).clip(-1.0, 1.0) * 32767)
    return (1 if array.ndim == 1 else array.shape[1]), samples.astype("<i2").tobytes()


def _channels_last(array: _Array) -> _Array:
    """Return a two- or three-dimensional image in the shape (height, width, channels)."""
    if array.ndim == 2:
        return array[:, :, None]
    channels_first = array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4)
    transposed: _Array = sys.modules["numpy"].moveaxis(array, 0, -1) if channels_first else array
    return transposed
