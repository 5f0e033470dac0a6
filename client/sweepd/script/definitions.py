"""What a script says of its metrics with `define_metric`: checked, merged, found again by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from sweepd.script.errors import UsageError

Kind = TypeVar("Kind")

_WORDS = ("min", "max", "mean", "last", "first", "none", "copy", "best")
_GOALS = {"min": "minimize", "max": "maximize"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What was said of one metric, or of all that begin with what stands before a `*`."""

    name: str
    # Words of its summary; empty: nothing was said, the last value counts.
    summary: tuple[str, ...] = ()
    # The metric that it is drawn over.
    step_metric: str | None = None
    # Rows that lack the step metric get its last value; not said: they do.
    step_sync: bool | None = None
    # minimize, maximize, or not said
    goal: str | None = None
    hidden: bool | None = None

    def document(self) -> dict[str, object]:
        """Return what was said, as JSON."""
        said: dict[str, object] = {}
        if self.summary:
            said["summary"] = list(self.summary)
        if self.step_metric:
            said["step_metric"] = self.step_metric
        if self.goal:
            said["goal"] = self.goal
        if self.hidden is not None:
            said["hidden"] = self.hidden
        return said


def checked_definition(
    name: object,
    *,
    step_metric: object = None,
    step_sync: object = None,
    hidden: object = None,
    summary: object = None,
    goal: object = None,
) -> Definition:
    """Return a definition made of what a script has given.

    Raises:
        UsageError: a part of it has the wrong type, or a word is not known.
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
    """All that was said in one run; the exact name counts before a beginning, the longest of those first."""

    def __init__(self) -> None:
        self._said: dict[str, Definition] = {}
        self._found: dict[str, Definition | None] = {}

    def __bool__(self) -> bool:
        return bool(self._said)

    def add(self, fresh: Definition, *, overwrite: bool) -> None:
        """Take a definition over: what it leaves open stays as it was said before, unless it overwrites."""
        before = self._said.get(fresh.name)
        self._said[fresh.name] = fresh if before is None or overwrite else _merged(before, fresh)
        self._found = {}

    def take_over(self, others: "Definitions") -> None:
        """Take all of others over."""
        for said in list(others._said.values()):  # noqa: SLF001 (of the same class)
            self.add(said, overwrite=False)

    def of(self, key: str) -> Definition | None:
        """Return what was said of a metric."""
        found = self._found
        if key not in found:
            found[key] = self._said.get(key) or self._by_beginning(key)
        return found[key]

    def document(self) -> dict[str, object]:
        """Return all of it as JSON, in the order in which it was said."""
        return {name: said.document() for name, said in list(self._said.items())}

    def _by_beginning(self, key: str) -> Definition | None:
        fitting = [
            said
            for name, said in list(self._said.items())  # other threads define metrics while this one logs
            if name.endswith("*") and key.startswith(name[:-1]) and said.step_metric != key
        ]
        return max(fitting, key=lambda said: len(said.name), default=None)


def with_step_metrics(
    values: Mapping[str, object], definitions: Definitions, latest: Mapping[str, object]
) -> Mapping[str, object]:
    """Return a row with the step metrics that it lacks, at their last values."""
    missing: dict[str, object] = {}
    for key in values:
        said = definitions.of(key)
        if said is not None and said.step_metric and said.step_sync is not False:
            name = said.step_metric
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
        raise UsageError(f"define_metric: a * may only stand at the end, not as in {name!r}")
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
