"""What a notebook shows of a sweep and of a run: HTML that needs nothing but itself. Pure.

It has no script, no link and no outside reference; the colours are those of the page around it, light or
dark; whatever comes from a user is escaped, on one line, and short.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence

from sweepd import v1
from sweepd.cli.point_text import param_paths
from sweepd.cli.rows import lookup
from sweepd.cli.shapes import params_shape, run_state, sweep_state
from sweepd.cli.states import RUN_STATES
from sweepd.cli.text import clean
from sweepd.objects.best import BestSoFar
from sweepd.objects.history import History
from sweepd.objects.svg import curve, stairs
from sweepd.spec.point import Json

_MOST_COLUMNS = 12
_MOST_ROWS = 40
_LONGEST = 80
_STYLE = (
    "<style>"
    ".sweepd-card{font:13px/1.45 system-ui,sans-serif;color:inherit;border:1px solid rgba(128,128,128,.4);"
    "border-radius:6px;padding:10px 14px;display:inline-block;max-width:100%;overflow-x:auto}"
    ".sweepd-card p{margin:2px 0}.sweepd-card .quiet{opacity:.75}"
    ".sweepd-card table{border-collapse:collapse;margin-top:6px;font-size:12px;color:inherit}"
    ".sweepd-card th,.sweepd-card td{padding:2px 8px;text-align:left;background:none;color:inherit;"
    "border-bottom:1px solid rgba(128,128,128,.25);font-variant-numeric:tabular-nums}"
    ".sweepd-card svg{display:block;margin-top:6px;max-width:100%}"
    ".sweepd-card svg text{font:11px system-ui,sans-serif;fill:currentColor;opacity:.8}"
    ".sweepd-card .axis{fill:none;stroke:currentColor;opacity:.4}"
    ".sweepd-card .line{fill:none;stroke:#3b82f6;stroke-width:2}"
    ".sweepd-card .dots{fill:currentColor;opacity:.35}"
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
    counts = [f"{number} {state}" for state in RUN_STATES if (number := getattr(sweep.run_counts, state))]
    planned = f" of {sweep.planned_runs}" if sweep.HasField("planned_runs") else ""
    lines = [
        f"<p><b>{_text(sweep.name)}</b> {_text(sweep.spec.name)}</p>",
        f"<p>{_text(sweep_state(sweep))} · runs{planned}: {', '.join(counts) or 'none yet'}</p>",
    ]
    if sweep.reason:
        lines.append(f'<p class="quiet">{_text(sweep.reason, 300)}</p>')
    if sweep.HasField("best_value"):
        lines.append(f"<p>best {_text(metric)}: <b>{_value(sweep.best_value)}</b></p>")
    drawn = curve(
        stairs([(float(index), each.best) for index, each in enumerate(values, 1)]),
        [(float(index), each.value) for index, each in enumerate(values, 1)],
        across="runs that have a value",
        up=_short(f"best {metric} so far", _LONGEST),
    )
    return _card([*lines, drawn, _runs_table(best), _note(note)])


def run_card(run: v1.Run, history: History | None, *, note: str = "") -> str:
    """Return a run: where it stands, its parameters, the curve of its objective.

    Args:
        run: as it stands.
        history: what it has logged, of which the first key that has numbers is drawn; None: no curve.
        note: a sentence about what could not be shown.
    """
    lines = [f"<p><b>{_text(run.name)}</b></p>", f"<p>{_text(run_state(run))}{_of_value(run)}</p>"]
    if run.reason:
        lines.append(f'<p class="quiet">{_text(run.reason, 300)}</p>')
    params = params_shape(run)
    names = param_paths([params])
    rows = [[_text(name), _value(lookup(params, name))] for name in names[:_MOST_ROWS]]
    if len(names) > _MOST_ROWS:
        rows.append([f"and {len(names) - _MOST_ROWS} more", ""])
    return _card([*lines, _table(["parameter", "value"], rows), _curve_of(history), _note(note)])


def _of_value(run: v1.Run) -> str:
    return f" · value <b>{_value(run.value)}</b>" if run.HasField("value") else ""


def _curve_of(history: History | None) -> str:
    if history is None:
        return ""
    for key in history:
        steps, values = history.points(key)
        numbers = [
            (float(step), float(value))
            for step, value in zip(steps, values, strict=True)
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        if drawn := curve(numbers, [], across="step", up=_short(key, _LONGEST)):
            return f'<p class="quiet">{_text(key)}</p>{drawn}'
    return ""


def _runs_table(runs: Sequence[v1.Run]) -> str:
    points: list[Json] = [params_shape(run) for run in runs]
    names = param_paths(points)[:_MOST_COLUMNS]
    rows = [
        [
            str(run.number),
            _text(run_state(run)),
            _value(run.value if run.HasField("value") else None),
            *(_value(lookup(point, name)) for name in names),
        ]
        for run, point in zip(runs, points, strict=True)
    ]
    return _table(["run", "state", "value", *map(_text, names)], rows)


def _table(heads: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{each}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _note(note: str) -> str:
    return f'<p class="quiet">{_text(note, 300)}</p>' if note else ""


def _card(pieces: Iterable[str]) -> str:
    return f'<div class="sweepd-card">{_STYLE}{"".join(pieces)}</div>'


def _value(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return _text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _text(text: str, longest: int = _LONGEST) -> str:
    return html.escape(_short(text, longest))


def _short(text: str, longest: int) -> str:
    shown = clean(text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}…"
