"""Cards of sweeps and runs for notebooks: HTML that needs nothing but itself. Pure.

It has no script, no link and no outside reference; the colours are those of the page around it, light or
dark; whatever comes from a user is escaped, on one line, and short.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence

from sweepd import v1
from sweepd.calls.states import run_state, sweep_state
from sweepd.objects.best import BestSoFar
from sweepd.objects.history import History
from sweepd.objects.svg import curve, stairs
from sweepd.spec.point import Json, is_number
from sweepd.states import RUN_STATES
from sweepd.views.points import param_paths
from sweepd.views.rows import lookup
from sweepd.views.run import params_shape
from sweepd.views.text import clean, counted, number

_MOST_COLUMNS = 12
_MOST_ROWS = 40
_LONGEST = 80
_LONGEST_VALUE = 48
_STYLE = (
    "<style>"
    ".sweepd-card{font:13px/1.45 system-ui,sans-serif;color:inherit;border:1px solid rgba(128,128,128,.4);"
    "border-radius:6px;padding:10px 14px;display:inline-block;box-sizing:border-box;max-width:100%;"
    "overflow-x:auto}"
    ".sweepd-card p{margin:2px 0}.sweepd-card .quiet{opacity:.75}"
    # Notebooks have styles of their own for tables; a class that is said twice is more specific than these.
    ".sweepd-card.sweepd-card table{border-collapse:collapse;margin:6px 0;border:0;"
    "font-size:12px;color:inherit}"
    ".sweepd-card.sweepd-card table tr{background:none}"
    ".sweepd-card.sweepd-card table tr th,.sweepd-card.sweepd-card table tr td{padding:2px 8px;"
    "text-align:left;white-space:nowrap;background:none;color:inherit;border:0;"
    "border-bottom:1px solid rgba(128,128,128,.25)}"
    ".sweepd-card.sweepd-card table tr .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".sweepd-card svg{display:block;margin-top:6px;max-width:100%;height:auto}"
    ".sweepd-card svg text{font:11px system-ui,sans-serif;fill:currentColor;opacity:.8}"
    ".sweepd-card .axis{fill:none;stroke:currentColor;opacity:.4}"
    ".sweepd-card .line{fill:none;stroke:#3b82f6;stroke-width:2}"
    ".sweepd-card .dots{fill:currentColor;opacity:.5}"
    "</style>"
)


def sweep_card(
    sweep: v1.Sweep, values: Sequence[BestSoFar], best: Sequence[v1.Run], *, note: str = ""
) -> str:
    """Return a sweep: where it stands, how its best value came about, its best runs.

    Args:
        sweep: as it stands.
        values: the values of its runs in their order; none: no curve.
        best: its best runs, the best first.
        note: a sentence about what could not be shown.
    """
    metric = sweep.spec.metric.name or "value"
    lines = [
        f"<p><b>{_text(sweep.name)}</b> {_text(sweep.spec.name)}</p>",
        f"<p>{_text(sweep_state(sweep))} · {_runs_of(sweep)}</p>",
    ]
    if sweep.reason:
        lines.append(_quiet(sweep.reason, 300))
    if sweep.HasField("best_value"):
        lines.append(f"<p>best {_text(metric)}: <b>{sweep.best_value:.6g}</b></p>")
    drawn = curve(
        stairs([(float(index), each.best) for index, each in enumerate(values, 1)]),
        [(float(index), each.value) for index, each in enumerate(values, 1)],
        across="runs that have a value",
        up=_short(f"best {metric} so far", _LONGEST),
    )
    if drawn:
        lines.append(_quiet(f"{metric} of each run, and the best so far"))
    return _card([*lines, drawn, _runs_table(best), _quiet(note, 300)])


def run_card(run: v1.Run, history: History | None, *, note: str = "") -> str:
    """Return a run: where it stands, its parameters, the curve of its objective.

    Args:
        run: as it stands.
        history: what it has logged, of which the first key that has numbers is drawn; None: no curve.
        note: a sentence about what could not be shown.
    """
    lines = [f"<p><b>{_text(run.name)}</b></p>", f"<p>{_text(run_state(run))}{_of_value(run)}</p>"]
    if run.reason:
        lines.append(_quiet(run.reason, 300))
    params = params_shape(run)
    names = param_paths([params])
    rows: list[list[object]] = [[name, lookup(params, name)] for name in names[:_MOST_ROWS]]
    if len(names) > _MOST_ROWS:
        rows.append([f"and {len(names) - _MOST_ROWS} more", ""])
    return _card([*lines, _table(["parameter", "value"], rows), _curve_of(history), _quiet(note, 300)])


def _runs_of(sweep: v1.Sweep) -> str:
    counts = {state: int(getattr(sweep.run_counts, state)) for state in RUN_STATES}
    there = sum(counts.values())
    planned = sweep.planned_runs if sweep.HasField("planned_runs") else there
    so_far = counted(there, "run") if planned <= there else f"{there} of {counted(planned, 'run')}"
    if not there:
        return "no runs yet" if planned == there else f"no runs yet, {planned} planned"
    return f"{so_far}: {', '.join(f'{count} {state}' for state, count in counts.items() if count)}"


def _of_value(run: v1.Run) -> str:
    return f" · value <b>{run.value:.6g}</b>" if run.HasField("value") else ""


def _curve_of(history: History | None) -> str:
    if history is None:
        return ""
    for key in history:
        steps, values = history.points(key)
        numbers = [
            (float(step), float(value)) for step, value in zip(steps, values, strict=True) if is_number(value)
        ]
        if drawn := curve(numbers, [], across="step", up=_short(key, _LONGEST)):
            return f"{_quiet(key)}{drawn}"
    return ""


def _runs_table(runs: Sequence[v1.Run]) -> str:
    points: list[Json] = [params_shape(run) for run in runs]
    names = param_paths(points)[:_MOST_COLUMNS]
    rows: list[list[object]] = [
        [
            run.number,
            run_state(run),
            run.value if run.HasField("value") else None,
            *(lookup(point, name) for name in names),
        ]
        for run, point in zip(runs, points, strict=True)
    ]
    return _table(["run", "state", "value", *names], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; a column of numbers stands to the right, its head too."""
    if not rows:
        return ""
    shares = [
        ' class="number"' if all(is_number(row[column]) or row[column] is None for row in rows) else ""
        for column in range(len(heads))
    ]
    head = "".join(f"<th{share}>{_text(each)}</th>" for each, share in zip(heads, shares, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{share}>{_value(each)}</td>" for each, share in zip(row, shares, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _quiet(sentence: str, longest: int = _LONGEST) -> str:
    return f'<p class="quiet">{_text(sentence, longest)}</p>' if sentence else ""


def _card(pieces: Iterable[str]) -> str:
    return f'<div class="sweepd-card">{_STYLE}{"".join(pieces)}</div>'


def _value(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return number(value)
    return _text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _LONGEST_VALUE)


def _text(text: str, longest: int = _LONGEST) -> str:
    return html.escape(_short(text, longest))


def _short(text: str, longest: int) -> str:
    shown = clean(text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}…"
