"""Summary of logged rows: last values, and the aggregates that the script has defined."""

import math
from collections.abc import Mapping

from sweepd.script.metrics.definitions import Definitions, Figures


class _Aggregate:
    """Running aggregates of one metric. Only finite numbers count for minimum, maximum and mean."""

    __slots__ = ("_count", "_first", "_high", "_last", "_low", "_total")

    def __init__(self) -> None:
        self._count = 0
        self._total = 0.0
        self._low = math.inf
        self._high = -math.inf
        self._first: object = None
        self._last: object = None

    def take(self, value: object) -> None:
        self._last = value
        if self._first is None:
            self._first = value
        if isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value):
            self._count += 1
            self._total += value
            self._low = min(self._low, value)
            self._high = max(self._high, value)

    def figures(self) -> Figures:
        """Return the aggregates so far."""
        some = self._count > 0
        return Figures(
            first=self._first,
            last=self._last,
            low=self._low if some else None,
            high=self._high if some else None,
            mean=self._total / self._count if some else None,
        )


class Logged:
    """Aggregates rows as they are logged. A later definition applies from then on."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._last: dict[str, object] = {}
        self._defined: dict[str, _Aggregate] = {}

    @property
    def last(self) -> Mapping[str, object]:
        """Last value of each key, as logged."""
        return self._last

    def take(self, values: Mapping[str, object]) -> None:
        """Add a row."""
        last = self._last
        for key, value in values.items():
            last[key] = _merged(last.get(key), value) if type(value) is dict else value
        if self._definitions:
            for key, value in values.items():
                self._count(key, value)

    def summary(self) -> dict[str, object]:
        """Return the summary of the rows, nested as logged."""
        return self._shown("", dict(self._last))

    def figures(self) -> dict[str, object]:
        """Return the aggregates of metrics with a defined summary, by dotted key."""
        shown: dict[str, object] = {}
        for key, counted in list(self._defined.items()):  # another thread may log
            definition = self._definitions.of(key)
            if definition is not None and (figures := counted.figures().shown(definition)) is not None:
                shown[key] = figures
        return shown

    @property
    def has_figures(self) -> bool:
        """True if any metric has a defined summary."""
        return bool(self._defined)

    def _count(self, key: str, value: object) -> None:
        if isinstance(value, Mapping):
            for inner, inner_value in value.items():
                self._count(f"{key}.{inner}", inner_value)
            return
        definition = self._definitions.of(key)
        if definition is not None and definition.summary:
            self._defined.setdefault(key, _Aggregate()).take(value)

    def _shown(self, prefix: str, values: Mapping[str, object]) -> dict[str, object]:
        shown: dict[str, object] = {}
        for key, value in values.items():
            name = f"{prefix}{key}"
            definition, counted = self._definitions.of(name), self._defined.get(name)
            if isinstance(value, Mapping):
                shown[key] = self._shown(f"{name}.", value)
            elif definition is None or not definition.summary or counted is None:
                shown[key] = value
            elif (figures := counted.figures().shown(definition)) is not None:
                shown[key] = figures
        return shown


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the range of floats; the store has it as infinite
        return False


def _merged(before: object, value: dict[str, object]) -> dict[str, object]:
    """Return a group with the earlier members that it lacks."""
    if not isinstance(before, dict):
        return value
    return before | {
        key: _merged(before.get(key), inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
    }
