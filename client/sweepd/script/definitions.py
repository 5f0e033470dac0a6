"""Definitions of metrics (`define_metric`), and the summary of logged rows that uses them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sweepd.script.errors import UsageError

Kind = TypeVar("Kind")

_AGGREGATES = ("min", "max", "mean", "last", "first", "none", "copy", "best")
_GOALS = {"min": "minimize", "max": "maximize"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Definition of a metric, or of all metrics whose names begin with the text before a final `*`."""

    name: str
    # Aggregates in the summary of the metric; empty: only its last value.
    summary: tuple[str, ...] = ()
    # Metric on the x axis of the charts of this metric.
    step_metric: str | None = None
    # True or None: rows without the step metric get its last value.
    step_sync: bool | None = None
    # minimize or maximize
    goal: str | None = None
    hidden: bool | None = None

    def document(self) -> dict[str, object]:
        """Return the definition as JSON."""
        members = {
            "summary": list(self.summary),
            "step_metric": self.step_metric,
            "goal": self.goal,
            "hidden": self.hidden,
        }
        return {name: value for name, value in members.items() if value not in (None, "", [])}


def checked_definition(
    name: object,
    *,
    step_metric: object = None,
    step_sync: object = None,
    hidden: object = None,
    summary: object = None,
    goal: object = None,
) -> Definition:
    """Check the arguments of `define_metric` and return the definition.

    Raises:
        UsageError: an argument is missing or invalid.
    """
    if not name:
        raise UsageError("define_metric: the name of a metric is missing")
    if isinstance(step_metric, Definition):
        step_metric = step_metric.name
    aggregates = _aggregates(_optional("summary", summary, str))
    checked_goal = _goal(_optional("goal", goal, str))
    if "best" in aggregates and checked_goal is None:
        raise UsageError('define_metric: summary "best" needs goal="minimize" or goal="maximize"')
    return Definition(
        name=_checked_name(_optional("name", name, str) or ""),
        summary=aggregates,
        step_metric=_optional("step_metric", step_metric, str),
        step_sync=_optional("step_sync", step_sync, bool),
        goal=checked_goal,
        hidden=_optional("hidden", hidden, bool),
    )


class Definitions:
    """Definitions of one run; exact names take precedence over prefixes, and longer prefixes over shorter."""

    def __init__(self) -> None:
        self._given: dict[str, Definition] = {}
        self._cache: dict[str, Definition | None] = {}

    def __bool__(self) -> bool:
        return bool(self._given)

    def add(self, fresh: Definition, *, overwrite: bool) -> None:
        """Add a definition; without `overwrite`, attributes that are not set keep their earlier values."""
        before = self._given.get(fresh.name)
        self._given[fresh.name] = fresh if before is None or overwrite else _merged(before, fresh)
        self._cache = {}

    def take_over(self, others: "Definitions") -> None:
        """Add all definitions of another `Definitions` object."""
        for given in list(others._given.values()):  # noqa: SLF001 (of the same class)
            self.add(given, overwrite=False)

    def of(self, key: str) -> Definition | None:
        """Return the definition that applies to a metric, or None."""
        found = self._cache
        if key not in found:
            found[key] = self._given.get(key) or self._by_prefix(key)
        return found[key]

    def document(self) -> dict[str, object]:
        """Return the definitions as JSON, in the order in which they were added."""
        return {name: given.document() for name, given in list(self._given.items())}

    def _by_prefix(self, key: str) -> Definition | None:
        fitting = [
            given
            for name, given in list(self._given.items())  # other threads may define metrics
            if name.endswith("*") and key.startswith(name[:-1]) and given.step_metric != key
        ]
        return max(fitting, key=lambda given: len(given.name), default=None)


def with_step_metrics(
    values: Mapping[str, object], definitions: Definitions, latest: Mapping[str, object]
) -> Mapping[str, object]:
    """Return the row, with the last values of missing step metrics added."""
    missing: dict[str, object] = {}
    for key in values:
        given = definitions.of(key)
        if given is not None and given.step_metric and given.step_sync is not False:
            name = given.step_metric
            if name not in values and name in latest:
                missing[name] = latest[name]
    return {**values, **missing} if missing else values


def _merged(before: Definition, fresh: Definition) -> Definition:
    names = ("summary", "step_metric", "step_sync", "goal", "hidden")
    given = {name: getattr(fresh, name) for name in names}
    return replace(before, **{name: value for name, value in given.items() if value not in (None, "", ())})


def _optional(argument: str, value: object, kind: type[Kind]) -> Kind | None:
    if value is None or isinstance(value, kind):
        return value
    raise UsageError(f"define_metric: {argument} must be of type {kind.__name__}, not {type(value).__name__}")


def _checked_name(name: str) -> str:
    if "*" in name[:-1]:
        raise UsageError(f"define_metric: a * is allowed only at the end, not as in {name!r}")
    return name


def _aggregates(summary: str | None) -> tuple[str, ...]:
    words = tuple(word.strip().lower() for word in summary.split(",")) if summary else ()
    for word in words:
        if word not in _AGGREGATES:
            raise UsageError(f"define_metric: summary {word!r} is not one of {', '.join(_AGGREGATES)}")
    return words


def _goal(goal: str | None) -> str | None:
    if goal is None:
        return None
    if goal[:3].lower() not in _GOALS:
        raise UsageError(f"define_metric: goal {goal!r} is neither minimize nor maximize")
    return _GOALS[goal[:3].lower()]


@dataclass(slots=True, kw_only=True)
class Figures:
    """Aggregates of the values of one metric; low, high and mean include only finite numbers."""

    first: object = None
    last: object = None
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    _count: int = field(default=0, init=False)
    _total: float = field(default=0.0, init=False)

    def take(self, value: object) -> None:
        """Add a value."""
        self.last = value
        if self.first is None:
            self.first = value
        if isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value):
            self._count += 1
            self._total += value
            self.low = value if self.low is None else min(self.low, value)
            self.high = value if self.high is None else max(self.high, value)
            self.mean = self._total / self._count

    def shown(self, given: Definition | None) -> object:
        """Return the aggregates that `given` selects, by default the last value; None: omit the metric."""
        if given is None or not given.summary or given.summary == ("copy",):
            return self.last
        if "none" in given.summary:
            return None
        figures = {
            "first": self.first,
            "last": self.last,
            "mean": self.mean,
            "min": self.low,
            "max": self.high,
            "best": self.high if given.goal == "maximize" else self.low,
        }
        return {word: figure for word in given.summary if (figure := figures.get(word)) is not None}


class Logged:
    """Aggregates of logged rows; a definition applies only to rows logged after it."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self.last: dict[str, object] = {}  # last value of each key, as logged
        self._defined: dict[str, Figures] = {}

    def take(self, values: Mapping[str, object]) -> None:
        """Add a row."""
        last = self.last
        for key, value in values.items():
            last[key] = _completed(last.get(key), value) if type(value) is dict else value
        if self._definitions:
            for key, value in values.items():
                self._count(key, value)

    def summary(self) -> dict[str, object]:
        """Return the summary of the rows, nested as logged."""
        return self._shown("", dict(self.last))

    def figures(self) -> dict[str, object]:
        """Return the aggregates of metrics with a defined summary, by dotted key."""
        shown: dict[str, object] = {}
        for key, counted in list(self._defined.items()):  # another thread may log at the same time
            definition = self._definitions.of(key)
            if definition is not None and (figures := counted.shown(definition)) is not None:
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
            self._defined.setdefault(key, Figures()).take(value)

    def _shown(self, prefix: str, values: Mapping[str, object]) -> dict[str, object]:
        shown: dict[str, object] = {}
        for key, value in values.items():
            name = f"{prefix}{key}"
            definition, counted = self._definitions.of(name), self._defined.get(name)
            if isinstance(value, Mapping):
                shown[key] = self._shown(f"{name}.", value)
            elif definition is None or not definition.summary or counted is None:
                shown[key] = value
            elif (figures := counted.shown(definition)) is not None:
                shown[key] = figures
        return shown


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the range of floats, which is stored as infinity
        return False


def _completed(before: object, value: dict[str, object]) -> dict[str, object]:
    """Return a group of values, with missing members copied from the earlier group."""
    if not isinstance(before, dict):
        return value
    return before | {
        key: _completed(before.get(key), inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
    }
