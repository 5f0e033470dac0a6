"""Summary of a run: aggregates of logged values, overridden by values that the script sets."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import deepcopy

from sweepd.script.run.config import ItemAttributes

Clean = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Function that converts values to storable ones, and drops those it cannot convert, with a warning."""


class Summary(ItemAttributes, MutableMapping[str, object]):
    """Mapping whose items are also attributes, at every depth; values set by the script override logged ones.

    Args:
        logged: function that returns the summary of the rows so far.
        clean: function that converts values to storable ones.
        changed: function that is called after each change.
    """

    __slots__ = ("_changed", "_clean", "_logged", "_path", "_set")

    _KIND = "summary"

    _logged: Callable[[], dict[str, object]]
    _clean: Clean
    _changed: Callable[[], None]
    _set: dict[str, object]
    _path: tuple[str, ...]

    def __init__(
        self,
        logged: Callable[[], dict[str, object]],
        clean: Clean,
        changed: Callable[[], None],
        *,
        items: dict[str, object] | None = None,
        path: tuple[str, ...] = (),
    ) -> None:
        for name, value in (
            ("_logged", logged),
            ("_clean", clean),
            ("_changed", changed),
            ("_set", {} if items is None else items),
            ("_path", path),
        ):
            object.__setattr__(self, name, value)

    def __getitem__(self, key: str) -> object:
        value = self._here()[key]
        if isinstance(value, dict):
            return Summary(self._logged, self._clean, self._changed, items=self._set, path=(*self._path, key))
        return value

    def __setitem__(self, key: str, value: object) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        """Remove a value that the script has set; the logged value, if any, becomes visible again."""
        below = self._explicit_group()
        if key not in below and key not in self._here():
            raise KeyError(key)
        below.pop(key, None)
        self._changed()

    def __iter__(self) -> Iterator[str]:
        return iter(self._here())

    def __len__(self) -> int:
        return len(self._here())

    def __contains__(self, key: object) -> bool:
        return key in self._here()

    def update(self, values: Mapping[str, object] = {}, /, **more: object) -> None:  # type: ignore[override]
        """Set several values as one change."""
        self._explicit_group().update(self._clean({**values, **more}))
        self._changed()

    def as_dict(self) -> dict[str, object]:
        """Return a copy of the summary as plain dictionaries."""
        return deepcopy(self._here())

    def explicit(self) -> dict[str, object]:
        """Return the values that the script has set."""
        return deepcopy(self._set)

    def __repr__(self) -> str:
        return repr(self._here())

    def _here(self) -> dict[str, object]:
        values = overlaid(self._logged(), self._set)
        for key in self._path:
            inner = values.get(key)
            values = inner if isinstance(inner, dict) else {}
        return values

    def _explicit_group(self) -> dict[str, object]:
        group = self._set
        for key in self._path:
            inner = group.get(key)
            if not isinstance(inner, dict):
                inner = group[key] = {}
            group = inner
        return group


def overlaid(below: dict[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return `below` overridden by `above`; groups are merged key by key."""
    merged = dict(below)
    for key, value in list(above.items()):  # another thread may add an item
        present = merged.get(key)
        merged[key] = (
            overlaid(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
        )
    return merged
