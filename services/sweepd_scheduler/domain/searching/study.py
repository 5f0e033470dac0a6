"""What is at hand for a sweep of model-based search: suggestions in stock, and the question under way."""

from dataclasses import dataclass

from sweepd_scheduler.domain.events import Suggested


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Hand-outs that wait for fresh suggestions.

    Args:
        id: tells it from earlier ones.
        observations: what a suggestion must have seen to be fresh.
        wanted: how many hand-outs wait.
        refused: answers with points outside the space since it was asked.
        due: nobody waits any longer: take what there is.
    """

    id: int
    observations: int
    wanted: int
    refused: int = 0
    due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Nothing of it is stored. `stock`: newest answer first. `calling`: a call is under way."""

    stock: tuple[Suggested, ...] = ()
    ask: Ask | None = None
    calling: bool = False
