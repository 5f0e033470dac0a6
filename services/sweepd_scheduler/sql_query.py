"""Queries that are put together from those conditions that were asked for."""

from collections.abc import Sequence

from sweepd_scheduler import rows


class Query:
    """A condition put together from those parts that were asked for."""

    def __init__(self, select: str) -> None:
        self.text = select
        self.values: list[rows.Value] = []
        self._word = "where"

    def where(self, condition: str, *values: rows.Value) -> None:
        """Add a condition; one whose value is None is left out."""
        if None in values:
            return
        self.text += f" {self._word} {condition}"
        self.values += values
        self._word = "and"

    def among(self, column: str, words: Sequence[str]) -> None:
        """Add that a column has one of some values; no values: any."""
        if words:
            self.where(f"{column} in ({', '.join('?' * len(words))})", *words)
