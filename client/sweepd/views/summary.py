"""Summary of a stored run, computed from the definitions of its metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sweepd import v1
from sweepd.codec.details import plain_map
from sweepd.script.definitions import Definition, Definitions, Figures
from sweepd.script.run.summary import overlaid
from sweepd.views.values import logged_value

_GOALS = {v1.GOAL_MINIMIZE: "minimize", v1.GOAL_MAXIMIZE: "maximize"}


def run_summary(summaries: Iterable[v1.KeySummary], details: v1.RunDetails) -> dict[str, object]:
    """Return the summary of a run as its script sees it, with dotted names for members of groups.

    Args:
        summaries: summary of each key.
        details: metric definitions, and summary values set by the script, which take precedence.
    """
    definitions = _definitions(details)
    logged: dict[str, object] = {}
    for each in sorted(summaries, key=lambda each: each.key):
        shown = _figures(each).shown(definitions.of(each.key))
        if shown is not None:
            logged[each.key] = shown
    explicit: dict[str, object] = {**plain_map(details.summary)}
    return overlaid(_nested(logged, explicit), explicit)


def _definitions(details: v1.RunDetails) -> Definitions:
    found = Definitions()
    for each in details.definitions:
        definition = Definition(
            name=each.name,
            summary=tuple(each.summary),
            step_metric=each.step_metric or None,
            goal=_GOALS.get(each.goal),
        )
        found.add(definition, overwrite=True)
    return found


def _figures(summary: v1.KeySummary) -> Figures:
    return Figures(
        first=logged_value(summary.first),
        last=logged_value(summary.last),
        low=summary.min if summary.HasField("min") else None,
        high=summary.max if summary.HasField("max") else None,
        mean=summary.mean if summary.HasField("mean") else None,
    )


def _nested(logged: dict[str, object], explicit: Mapping[str, object]) -> dict[str, object]:
    """Return the logged values, nested in groups that the script has set in its summary."""
    for name, group in explicit.items():
        prefix = f"{name}."
        if isinstance(group, dict) and any(key.startswith(prefix) for key in logged):
            inner = {
                key.removeprefix(prefix): value for key, value in logged.items() if key.startswith(prefix)
            }
            outer = {key: value for key, value in logged.items() if not key.startswith(prefix)}
            logged = {**outer, name: _nested(inner, group)}
    return logged
