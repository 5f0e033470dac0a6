"""One curve as inline SVG that takes its colours from where it is shown. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from math import isfinite

Points = Sequence[tuple[float, float]]
_WIDTH, _HEIGHT = 460, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 10, 26
_MOST = 400
"""Points that a curve is drawn with at most: there are no more columns of pixels."""


def curve(line: Points, dots: Points, *, across: str, up: str) -> str:
    """Return a drawing of a line and of dots; an empty text if there is nothing to draw.

    Args:
        line: its corners, in their order.
        dots: single values beside it.
        across: what the horizontal axis is.
        up: what the vertical axis is.
    """
    line, dots = _drawable(line), _drawable(dots)
    if not line and not dots:
        return ""
    scale = _Scale([*line, *dots])
    corners = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in line)
    if len(line) == 1:  # a line of one corner is none
        dots = [*dots, *line]
    marks = "".join(f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(y):.1f}" r="2.5"/>' for x, y in dots)
    axis = f"M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}"
    # Apart, as they are all that a notebook leaves which does not trust its own outputs.
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
    """Yield the place, the anchor and the text of each; where all is one value, that value once."""
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
    """Return the corners of a line that keeps its value until the next one."""
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return corners


def _drawable(points: Points) -> list[tuple[float, float]]:
    kept = [(x, y) for x, y in points if isfinite(x) and isfinite(y) and abs(y) < 1e300]
    every = -(-len(kept) // _MOST)
    return [*kept[:: every or 1], *kept[-1:]] if every > 1 else kept


class _Scale:
    """From values to places in the drawing."""

    def __init__(self, points: Points) -> None:
        self.first, self.last = min(x for x, _ in points), max(x for x, _ in points)
        self.low, self.high = min(y for _, y in points), max(y for _, y in points)

    def x(self, value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * _share(value, self.first, self.last)

    def y(self, value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - _share(value, self.low, self.high))


def _share(value: float, low: float, high: float) -> float:
    return 0.5 if low == high else (value - low) / (high - low)
