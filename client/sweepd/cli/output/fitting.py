"""Choice of the columns of a table that fit a terminal, and of their widths. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 2
"""Blanks between two columns."""
_LEAST = 8
"""Columns of a terminal below which no heading and no text is cut."""
_READABLE = 24
"""Columns that texts should have before others are shown beside them that say less."""
_SAYS_LITTLE = 2
"""From this `spare` on a column gives way to the readable texts of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Needs of one column of a table."""

    # Of its widest cell, and of its heading.
    cells: int
    heading: int
    # Whether cells may be cut, unlike numbers and names that are copied.
    cut: bool = False
    # Cells that must not be cut although others of the column may be; at most `cells`.
    uncut: int = 0
    # What may be left out: the greatest first, of equals the one on the right; 0 stays.
    spare: int = 0

    @property
    def widest(self) -> int:
        """The width at which nothing is cut."""
        return max(self.cells, self.heading)

    def least(self, text: int = _LEAST) -> int:
        """Return the width below which it says too little, where texts have so many columns."""
        cells = max(self.uncut, min(self.cells, text)) if self.cut else self.cells
        return max(cells, min(self.heading, _LEAST))


def fitted(needs: Sequence[Need], width: int) -> dict[int, int]:
    """Return the columns that are shown, by their place, and how wide each is.

    The widest are cut first. Where all are as narrow as they may be, those that are spare are left out. What
    does not fit even then is shown as it is, over the edge.
    """
    kept = _without_spare(needs, list(range(len(needs))), width, text=_READABLE, spare=_SAYS_LITTLE)
    kept = _without_spare(needs, kept, width, text=_LEAST, spare=1)
    if _total([needs[place].least() for place in kept]) > width:
        return {place: needs[place].widest for place in kept}
    limit = max((needs[place].widest for place in kept), default=0)
    while _total([_narrowed(needs[place], limit) for place in kept]) > width:
        limit -= 1
    return {place: _narrowed(needs[place], limit) for place in kept}


def _without_spare(
    needs: Sequence[Need], places: list[int], width: int, *, text: int, spare: int
) -> list[int]:
    """Return the columns that are left when those of at least such a `spare` have given way to the others."""
    kept = list(places)
    while _total([needs[place].least(text) for place in kept]) > width:
        most, place = max((needs[place].spare, place) for place in kept)
        if most < spare:
            break
        kept.remove(place)
    return kept


def _narrowed(need: Need, limit: int) -> int:
    return max(need.least(), min(need.widest, limit))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * max(len(widths) - 1, 0)
