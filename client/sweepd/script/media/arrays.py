"""Arrays of numpy, torch and the like, known by what they can do; nothing is imported."""

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
    """Tell whether a value has a shape and can be listed."""
    return isinstance(value, _Listed)


def on_host(value: object) -> object:
    """Return a tensor on a device, or with gradients, as one of plain numbers; others as they are."""
    for name in ("detach", "cpu"):
        method: object = getattr(value, name, None)
        if callable(method):
            value = method()
    return value


def listed(value: object) -> "Nested":
    """Return the values of an array as nested lists; tensors on a device or with gradients included.

    Raises:
        TypeError: it is no array.
    """
    value = on_host(value)
    if isinstance(value, _Listed):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [listed(each) if isinstance(each, list | tuple) or is_array(each) else each for each in value]
    raise TypeError(f"{type(value).__name__} is no array")


def flat(values: "Nested") -> list[float]:
    """Return the numbers of nested lists, one after the other."""
    if isinstance(values, list):
        return [number for inner in values for number in flat(inner)]
    return [values]
