"""Page builder: fills a page of histories up to its size, so that the next one continues at an exact row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Stretch
from sweepd_metric_store.domain.view import windowed

MAX_PART_BYTES = 48 * 1024
"""Larger parts, which only long texts make, are halved, so that they fit into a small page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesName:
    """Name of a series."""

    run_id: int
    run: str
    attempt: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An encoded stretch and the range of its rows."""

    first_row: int
    last_row: int
    body: bytes

    @classmethod
    def of(cls, stretch: Stretch) -> Part:
        """Encode a stretch."""
        rows = stretch.spine.rows
        return cls(first_row=rows[0], last_row=rows[-1], body=encoding.chunk_bytes(stretch))

    def up_to(self, last_row: int) -> Iterator[Part]:
        """Yield this part up to a row, unless nothing is left."""
        if self.last_row <= last_row:
            yield self
        elif self.first_row <= last_row:
            stretch = encoding.stretch(self.body)
            yield Part.of(windowed(stretch, first_row=self.first_row, last_row=last_row))

    def halved(self) -> Iterator[Part]:
        """Yield this part, halved until it is small enough."""
        if len(self.body) <= MAX_PART_BYTES or self.first_row == self.last_row:
            yield self
            return
        stretch = encoding.stretch(self.body)
        middle = len(stretch) // 2
        for half in (stretch.part(0, middle), stretch.part(middle, len(stretch))):
            yield from Part.of(half).halved()


@dataclass(slots=True)
class _OpenSeries:
    name: SeriesName
    parts: list[Part] = field(default_factory=list)


class PageBuilder:
    """Collects parts, series by series, each in the order of first rows."""

    def __init__(self, budget: int) -> None:
        self._room = budget
        self._series: list[_OpenSeries] = []

    def begin(self, name: SeriesName) -> None:
        """Begin another series."""
        self._series.append(_OpenSeries(name))
        self._room -= len(name.run.encode()) + len(name.key.encode()) + 4 * encoding.FRAME

    def add(self, part: Part) -> bool:
        """Add a part to the current series; return False if the page is full and ends before its first row.

        Parts of a series come in the order of first rows.
        """
        cost = len(part.body) + encoding.FRAME
        if self._room < cost and any(series.parts for series in self._series):
            self._end_before(part.first_row)
            return False
        self._room -= cost
        self._series[-1].parts.append(part)
        return True

    def encoded(self) -> list[bytes]:
        """Return the series with points, encoded."""
        return [
            encoding.series(
                each.name.run, each.name.attempt, each.name.key, [part.body for part in each.parts]
            )
            for each in self._series
            if each.parts
        ]

    def _end_before(self, row: int) -> None:
        """Cut parts that overlap the next page: stretches of different types may interleave."""
        series = self._series[-1]
        series.parts = [kept for part in series.parts for kept in part.up_to(row - 1)]
