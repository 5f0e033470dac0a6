"""Arrays of numpy, torch and others, recognised by their methods; nothing is imported."""

import sys
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

Nested = list["Nested"] | float | int | bool


@runtime_checkable
class _Listed(Protocol):
    @property
    def shape(self) -> object:
        """Sizes of its dimensions."""

    def tolist(self) -> "Nested":
        """Return its values as nested lists."""


def is_array(value: object) -> bool:
    """Return True if a value has `shape` and `tolist`."""
    return isinstance(value, _Listed)


def on_host(value: object) -> object:
    """Return a tensor detached and on the CPU; other values unchanged."""
    for name in ("detach", "cpu"):
        method: object = getattr(value, name, None)
        if callable(method):
            value = method()
    return value


def listed(value: object) -> "Nested":
    """Return the values of an array as nested lists; tensors on a device or with gradients included.

    Raises:
        TypeError: not an array.
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
    """Part of numpy's array that is used here."""

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
    """Return the value as a numpy array; None if it is not an array or numpy is not loaded."""
    numpy = sys.modules.get("numpy")  # never imported: many scripts do not use it
    if numpy is None or not is_array(value):
        return None
    try:
        array: _Array = numpy.asarray(on_host(value))
    except Exception:  # noqa: BLE001 (types that numpy lacks, such as bfloat16, still have `tolist`)
        return None
    return array if array.dtype.kind in "biuf" else None


def picture(array: _Array) -> tuple[int, int, int, bytes] | None:
    """Return width, height, channels and samples of an image; None if the shape is not an image's."""
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
    """Return the counts of finite values in `parts` bins, and the edges; None if the range is unsuitable."""
    numpy = sys.modules["numpy"]
    values = array.astype("f8").ravel()
    finite: _Array = values[numpy.isfinite(values)]
    low, high = finite.min(initial=numpy.inf), finite.max(initial=-numpy.inf)
    if not low < high or not 1e-300 < high / 2 - low / 2 < 1e300:
        return None
    counts, edges = numpy.histogram(finite, bins=parts, range=(low, high))
    return counts.astype("f8").tolist(), edges.tolist()


def frames(array: _Array) -> tuple[int, bytes] | None:
    """Return the number of channels and the 16-bit samples of audio; None for other shapes."""
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
    """Return an array of shape (height, width, channels)."""
    if array.ndim == 2:
        return array[:, :, None]
    turned = array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4)
    upright: _Array = sys.modules["numpy"].moveaxis(array, 0, -1) if turned else array
    return upright
