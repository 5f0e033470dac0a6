"""Methods of search: where each has its next point from, and the port of engines outside of the core.

A method is a function that draws the next point within a decision. By index it is complete in itself. One
that learns gets what runs have shown (`Draft.observe`), asks an engine by the effect `AskStudy`, and draws
from what that has suggested.
"""

from collections.abc import Sequence
from typing import Protocol

from sweepd.spec import SweepSpec
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.search.by_index import ChosenPoint, draw_by_index
from sweepd_scheduler.domain.search.model_based import draw_suggested
from sweepd_scheduler.domain.sweeps.sweep import Sweep


def next_point(draft: Draft, key: int) -> ChosenPoint | None:
    """Return the point that a sweep tries next; None if there is none, or none yet."""
    draw = draw_suggested if draft.state.sweeps[key].spec.method.learns else draw_by_index
    return draw(draft, key)


class SearchEngine(Protocol):
    """Suggests points for sweeps whose method learns."""

    def ask(self, sweep: Sweep, count: int) -> None:
        """Begin to work out points; `SuggestionsArrived` or `SuggestionsFailed` follows."""

    async def objections(self, spec: SweepSpec) -> Sequence[tuple[str, str]]:
        """Return fields of a specification that cannot be searched, with the reason; none if unavailable."""
