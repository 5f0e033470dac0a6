"""Definitions of metrics (`define_metric`), and the aggregates that they select."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from sweepd.script.errors import UsageError

Kind = TypeVar("Kind")

_WORDS = ("min", "max", "mean", "last", "first", "none", "copy", "best")
_GOALS = {"min": "minimize", "max": "maximize"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Definition of a metric, or of all metrics with the prefix before a `*`."""

    name: str
    # Aggregates of its summary; empty: the last value.
    summary: tuple[str, ...] = ()
    # Metric of its x axis.
    step_metric: str | None = None
    # Whether rows that lack the step metric get its last value; None: yes.
    step_sync: bool | None = None
    # minimize or maximize
    goal: str | None = None
    hidden: bool | None = None

    def document(self) -> dict[str, object]:
        """Return the definition as JSON."""
        document: dict[str, object] = {}
        if self.summary:
            document["summary"] = list(self.summary)
        if self.step_metric:
            document["step_metric"] = self.step_metric
        if self.goal:
            document["goal"] = self.goal
        if self.hidden is not None:
            document["hidden"] = self.hidden
        return document


def checked_definition(
    name: object,
    *,
    step_metric: object = None,
    step_sync: object = None,
    hidden: object = None,
    summary: object = None,
    goal: object = None,
) -> Definition:
    """Return a definition from the arguments of a script.

    Raises:
        UsageError: an argument has the wrong type or an unknown value.
    """
    if not name:
        raise UsageError("define_metric: the name of a metric is missing")
    if isinstance(step_metric, Definition):
        step_metric = step_metric.name
    asked = _words(_optional("summary", summary, str))
    aim = _goal(_optional("goal", goal, str))
    if "best" in asked and aim is None:
        raise UsageError('define_metric: summary "best" needs goal="minimize" or goal="maximize"')
    return Definition(
        name=_stem(_optional("name", name, str) or ""),
        summary=asked,
        step_metric=_optional("step_metric", step_metric, str),
        step_sync=_optional("step_sync", step_sync, bool),
        goal=aim,
        hidden=_optional("hidden", hidden, bool),
    )


class Definitions:
    """Definitions of one run. An exact name comes before prefixes, a longer prefix before a shorter one."""

    def __init__(self) -> None:
        self._given: dict[str, Definition] = {}
        self._found: dict[str, Definition | None] = {}

    def __bool__(self) -> bool:
        return bool(self._given)

    def add(self, fresh: Definition, *, overwrite: bool) -> None:
        """Add a definition: what it leaves open stays as defined before, unless it overwrites."""
        before = self._given.get(fresh.name)
        self._given[fresh.name] = fresh if before is None or overwrite else _merged(before, fresh)
        self._found = {}

    def take_over(self, others: "Definitions") -> None:
        """Add all definitions of another run."""
        for given in list(others._given.values()):  # noqa: SLF001 (of the same class)
            self.add(given, overwrite=False)

    def of(self, key: str) -> Definition | None:
        """Return the definition that applies to a metric."""
        found = self._found
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
    """Return a row completed with the last values of missing step metrics."""
    missing: dict[str, object] = {}
    for key in values:
        given = definitions.of(key)
        if given is not None and given.step_metric and given.step_sync is not False:
            name = given.step_metric
            if name not in values and name in latest:
                missing[name] = latest[name]
    return {**values, **missing} if missing else values


def _merged(before: Definition, fresh: Definition) -> Definition:
    return replace(
        before,
        summary=fresh.summary or before.summary,
        step_metric=fresh.step_metric or before.step_metric,
        step_sync=before.step_sync if fresh.step_sync is None else fresh.step_sync,
        goal=fresh.goal or before.goal,
        hidden=before.hidden if fresh.hidden is None else fresh.hidden,
    )


def _optional(argument: str, value: object, kind: type[Kind]) -> Kind | None:
    if value is None or isinstance(value, kind):
        return value
    raise UsageError(f"define_metric: {argument} is a {kind.__name__}, not a {type(value).__name__}")


def _stem(name: str) -> str:
    if "*" in name[:-1]:
        raise UsageError(f"define_metric: a * is only allowed at the end, not as in {name!r}")
    return name


def _words(summary: str | None) -> tuple[str, ...]:
    words = tuple(word.strip().lower() for word in summary.split(",")) if summary else ()
    for word in words:
        if word not in _WORDS:
            raise UsageError(f"define_metric: summary {word!r} is none of {', '.join(_WORDS)}")
    return words


def _goal(goal: str | None) -> str | None:
    if goal is None:
        return None
    if goal[:3].lower() not in _GOALS:
        raise UsageError(f"define_metric: goal {goal!r} is neither minimize nor maximize")
    return _GOALS[goal[:3].lower()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Aggregates of the values of one metric; low, high and mean are of the finite numbers."""

    first: object
    last: object
    low: float | None
    high: float | None
    mean: float | None

    def shown(self, given: Definition | None) -> object:
        """Return the defined aggregates: the last value without a definition; None: leave it out."""
        if given is None or not given.summary or given.summary == ("copy",):
            return self.last
        if "none" in given.summary:
            return None
        return {word: figure for word in given.summary if (figure := self._of(word, given.goal)) is not None}

    def _of(self, word: str, goal: str | None) -> object:
        match word:
            case "first":
                return self.first
            case "last":
                return self.last
            case "mean":
                return self.mean
            case "min":
                return self.low
            case "max":
                return self.high
            case "best":
                return self.high if goal == "maximize" else self.low
            case _:
                return None
