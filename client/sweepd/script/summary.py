"""The summary of a run as its script sees it: what was logged, under what it has set itself."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import deepcopy

Made = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Makes values ones that can be written; what cannot be is left out, and named to the author."""


class Summary(MutableMapping[str, object]):
    """A mapping whose items are attributes too, at every depth. What is set here stays, whatever is logged.

    Args:
        logged: returns what the rows come to at the moment.
        made: turns values into ones that can be written.
        changed: called after each change.
    """

    __slots__ = ("_changed", "_logged", "_made", "_path", "_set")

    _logged: Callable[[], dict[str, object]]
    _made: Made
    _changed: Callable[[], None]
    _set: dict[str, object]
    _path: tuple[str, ...]

    def __init__(
        self,
        logged: Callable[[], dict[str, object]],
        made: Made,
        changed: Callable[[], None],
        *,
        own: dict[str, object] | None = None,
        path: tuple[str, ...] = (),
    ) -> None:
        for name, value in (
            ("_logged", logged),
            ("_made", made),
            ("_changed", changed),
            ("_set", {} if own is None else own),
            ("_path", path),
        ):
            object.__setattr__(self, name, value)

    def __getitem__(self, key: str) -> object:
        value = self._here()[key]
        if isinstance(value, dict):
            return Summary(self._logged, self._made, self._changed, own=self._set, path=(*self._path, key))
        return value

    def __setitem__(self, key: str, value: object) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        """Take back what was set; a value that was logged shows again."""
        below = self._own_group()
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

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # copy, pickle and notebooks ask for what is not there
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the summary has no value {name!r}") from None

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"the summary has no value {name!r}") from None

    def update(self, values: Mapping[str, object] = {}, /, **more: object) -> None:  # type: ignore[override]
        """Set several values with one change."""
        self._own_group().update(self._made({**values, **more}))
        self._changed()

    def as_dict(self) -> dict[str, object]:
        """Return plain dictionaries of the same content."""
        return deepcopy(self._here())

    def explicit(self) -> dict[str, object]:
        """Return what the script itself has set."""
        return deepcopy(self._set)

    def __repr__(self) -> str:
        return repr(self._here())

    def _here(self) -> dict[str, object]:
        values = overlaid(self._logged(), self._set)
        for key in self._path:
            inner = values.get(key)
            values = inner if isinstance(inner, dict) else {}
        return values

    def _own_group(self) -> dict[str, object]:
        group = self._set
        for key in self._path:
            inner = group.get(key)
            if not isinstance(inner, dict):
                inner = group[key] = {}
            group = inner
        return group


def overlaid(below: dict[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return `below` with the values of `above` in their places, groups merged key by key."""
    merged = dict(below)
    for key, value in list(above.items()):  # another thread may be setting one
        present = merged.get(key)
        merged[key] = (
            overlaid(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
        )
    return merged
