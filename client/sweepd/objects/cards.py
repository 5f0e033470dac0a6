"""Cards of sweeps and runs in notebooks: HTML and SVG."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite

from sweepd import v1
from sweepd.objects.results import BestSoFar, History
from sweepd.spec.point import Json, is_number
from sweepd.states import RUN_STATES, state_of
from sweepd.views.rows import lookup, param_paths
from sweepd.views.run import params_shape
from sweepd.views.text import clean, counted, number

Points = Sequence[tuple[float, float]]
_WIDTH, _HEIGHT = 460, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 10, 26
_MAX_POINTS = 400
"""Maximum number of points of a curve; the drawing has about as many columns of pixels."""
_MAX_COLUMNS = 12
_MAX_ROWS = 40
_MAX_TEXT = 80
_MAX_VALUE = 48
_STYLE = (
    "<style>"
    ".sweepd-card{font:13px/1.45 system-ui,sans-serif;color:inherit;border:1px solid rgba(128,128,128,.4);"
    "border-radius:6px;padding:10px 14px;display:inline-block;box-sizing:border-box;max-width:100%;"
    "overflow-x:auto}"
    ".sweepd-card p{margin:2px 0}.sweepd-card .quiet{opacity:.75}"
    # Notebooks style tables themselves; a repeated class is more specific than their styles.
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


def curve(line: Points, dots: Points, *, across: str, up: str) -> str:
    """Return an SVG drawing of a line and dots; empty if there are no finite points.

    Args:
        line: points of the line, in order.
        dots: points to mark with a dot.
        across: name of the horizontal axis.
        up: name of the vertical axis.
    """
    line, dots = _finite_points(line), _finite_points(dots)
    if not line and not dots:
        return ""
    scale = _Scale([*line, *dots])
    corners = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in line)
    if len(line) == 1:  # a line needs two corners
        dots = [*dots, *line]
    marks = "".join(f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(y):.1f}" r="2.5"/>' for x, y in dots)
    axis = f"M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}"
    # Spaces separate the texts, because an untrusted notebook shows only the texts of a drawing.
    texts = " ".join(
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{html.escape(text)}</text>'
        for x, y, anchor, text in _labels(scale, across)
    )
    name = html.escape(f"{up} over {across}")
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{name}"><path class="axis" d="{axis}"/>{texts}'
        f'<g class="dots">{marks}</g><polyline class="line" points="{corners}"/></svg>'
    )


def _labels(scale: _Scale, across: str) -> Iterator[tuple[float, float, str, str]]:
    """Yield x, y, anchor and text of each label; an axis with a single value has one label."""
    middle, below = (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8
    if scale.low == scale.high:
        yield _LEFT - 6, scale.y(scale.low) + 4, "end", f"{scale.low:.4g}"
    else:
        yield _LEFT - 6, _TOP + 9, "end", f"{scale.high:.4g}"
        yield _LEFT - 6, _HEIGHT - _BOTTOM, "end", f"{scale.low:.4g}"
    if scale.first == scale.last:
        yield middle, below, "middle", f"{across} {scale.first:.6g}"
    else:
        yield _LEFT, below, "start", f"{scale.first:.6g}"
        yield middle, below, "middle", across
        yield _WIDTH - _RIGHT, below, "end", f"{scale.last:.6g}"


def stairs(points: Points) -> list[tuple[float, float]]:
    """Return the corners of a step line, in which each value lasts until the next point."""
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return corners


def _finite_points(points: Points) -> list[tuple[float, float]]:
    kept = [(x, y) for x, y in points if isfinite(x) and isfinite(y) and abs(y) < 1e300]
    every = -(-len(kept) // _MAX_POINTS)
    return [*kept[:: every or 1], *kept[-1:]] if every > 1 else kept


class _Scale:
    """Conversion of values to coordinates of the drawing."""

    def __init__(self, points: Points) -> None:
        self.first, self.last = min(x for x, _ in points), max(x for x, _ in points)
        self.low, self.high = min(y for _, y in points), max(y for _, y in points)

    def x(self, value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * _fraction(value, self.first, self.last)

    def y(self, value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - _fraction(value, self.low, self.high))


def _fraction(value: float, low: float, high: float) -> float:
    return 0.5 if low == high else (value - low) / (high - low)


def sweep_card(
    sweep: v1.Sweep, values: Sequence[BestSoFar], best: Sequence[v1.Run], *, note: str = ""
) -> str:
    """Return the card of a sweep: its state, the curve of its best value, its best runs.

    Args:
        sweep: the sweep.
        values: values of the runs, in the order in which they ended; empty: no curve.
        best: best runs, the best first.
        note: sentence to show at the end, for example about missing parts.
    """
    metric = sweep.spec.metric.name or "value"
    lines = [
        f"<p><b>{_text(sweep.name)}</b> {_text(sweep.spec.name)}</p>",
        f"<p>{_text(state_of(sweep))} · {_run_counts_text(sweep)}</p>",
    ]
    if sweep.reason:
        lines.append(_secondary(sweep.reason, 300))
    if sweep.HasField("best_value"):
        lines.append(f"<p>best {_text(metric)}: <b>{sweep.best_value:.6g}</b></p>")
    drawn = curve(
        stairs([(float(index), each.best) for index, each in enumerate(values, 1)]),
        [(float(index), each.value) for index, each in enumerate(values, 1)],
        across="runs that have a value",
        up=_short(f"best {metric} so far", _MAX_TEXT),
    )
    if drawn:
        lines.append(_secondary(f"{metric} of each run, and the best so far"))
    return _card([*lines, drawn, _runs_table(best), _secondary(note, 300)])


def run_card(run: v1.Run, history: History | None, *, note: str = "") -> str:
    """Return the card of a run: its state, its parameters, the curve of its objective.

    Args:
        run: the run.
        history: logged values; the first key with numbers is drawn; None: no curve.
        note: sentence to show at the end, for example about missing parts.
    """
    lines = [f"<p><b>{_text(run.name)}</b></p>", f"<p>{_text(state_of(run))}{_value_text(run)}</p>"]
    if run.reason:
        lines.append(_secondary(run.reason, 300))
    params = params_shape(run)
    names = param_paths([params])
    rows: list[list[object]] = [[name, lookup(params, name)] for name in names[:_MAX_ROWS]]
    if len(names) > _MAX_ROWS:
        rows.append([f"and {len(names) - _MAX_ROWS} more", ""])
    return _card([*lines, _table(["parameter", "value"], rows), _curve_of(history), _secondary(note, 300)])


def _run_counts_text(sweep: v1.Sweep) -> str:
    counts = {state: int(getattr(sweep.run_counts, state)) for state in RUN_STATES}
    existing = sum(counts.values())
    planned = sweep.planned_runs if sweep.HasField("planned_runs") else existing
    so_far = counted(existing, "run") if planned <= existing else f"{existing} of {counted(planned, 'run')}"
    if not existing:
        return "no runs yet" if planned == existing else f"no runs yet, {planned} planned"
    return f"{so_far}: {', '.join(f'{count} {state}' for state, count in counts.items() if count)}"


def _value_text(run: v1.Run) -> str:
    return f" · value <b>{run.value:.6g}</b>" if run.HasField("value") else ""


def _curve_of(history: History | None) -> str:
    if history is None:
        return ""
    for key in history:
        steps, values = history.points(key)
        numbers = [
            (float(step), float(value)) for step, value in zip(steps, values, strict=True) if is_number(value)
        ]
        if drawn := curve(numbers, [], across="step", up=_short(key, _MAX_TEXT)):
            return f"{_secondary(key)}{drawn}"
    return ""


def _runs_table(runs: Sequence[v1.Run]) -> str:
    points: list[Json] = [params_shape(run) for run in runs]
    names = param_paths(points)[:_MAX_COLUMNS]
    rows: list[list[object]] = [
        [
            run.number,
            state_of(run),
            run.value if run.HasField("value") else None,
            *(lookup(point, name) for name in names),
        ]
        for run, point in zip(runs, points, strict=True)
    ]
    return _table(["run", "state", "value", *names], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML table; columns of numbers and their headings are right-aligned."""
    if not rows:
        return ""
    classes = [
        ' class="number"' if all(is_number(row[column]) or row[column] is None for row in rows) else ""
        for column in range(len(heads))
    ]
    head = "".join(f"<th{css}>{_text(each)}</th>" for each, css in zip(heads, classes, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{css}>{_value(each)}</td>" for each, css in zip(row, classes, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _secondary(sentence: str, longest: int = _MAX_TEXT) -> str:
    return f'<p class="quiet">{_text(sentence, longest)}</p>' if sentence else ""


def _card(pieces: Iterable[str]) -> str:
    return f'<div class="sweepd-card">{_STYLE}{"".join(pieces)}</div>'


def _value(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return number(value)
    return _text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _MAX_VALUE)


def _text(text: str, longest: int = _MAX_TEXT) -> str:
    return html.escape(_short(text, longest))


def _short(text: str, longest: int) -> str:
    shown = clean(text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}…"
