"""Attribute access to the items of a mapping, for configuration and summary."""

from typing import Protocol


class _Items(Protocol):
    _KIND: str

    def __getitem__(self, key: str, /) -> object: ...
    def __setitem__(self, key: str, value: object, /) -> None: ...
    def __delitem__(self, key: str, /) -> None: ...


class ItemAttributes:
    """Gives a mapping its items as attributes; those of its own are set with `object.__setattr__`.

    `_KIND` names the mapping in messages.
    """

    __slots__ = ()

    def __getattr__(self: _Items, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):  # copy, pickle and notebooks probe for these
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the {self._KIND} has no value {name!r}") from None

    def __setattr__(self: _Items, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self: _Items, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"the {self._KIND} has no value {name!r}") from None
