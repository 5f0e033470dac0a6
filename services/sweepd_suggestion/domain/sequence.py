"""How the points of an answer come about one by one: each is pending for the runs after it."""

from collections.abc import Sequence
from typing import Protocol

from sweepd.spec import InfeasibleError, Point, point_digest
from sweepd_suggestion.domain.design import design_point
from sweepd_suggestion.domain.proposal import Proposal, Question
from sweepd_suggestion.domain.unseen import unseen_point


class Model(Protocol):
    """Chooses points from what has been observed."""

    def propose(self, run_number: int, seen: set[bytes]) -> Proposal | None:
        """Return a point that is not among `seen`, None if it finds none."""

    def await_value(self, point: Point) -> None:
        """Count a point as pending from now on."""


def proposals(question: Question, model: Model | None) -> tuple[Proposal, ...]:
    """Return the points asked for; fewer where a finite space has no more.

    The first points of a study are the design's; so are all while there is no model.
    """
    seen = set(question.seen)
    found: list[Proposal] = []
    runs = range(question.first_run, question.run_number + question.count * question.stride, question.stride)
    for place, run_number in enumerate(runs, start=question.first_place):
        modelled = model is not None and place >= question.design_size
        proposal = model.propose(run_number, seen) if model is not None and modelled else None
        proposal = proposal or _unmodelled(question, place, run_number, seen, found, from_design=not modelled)
        if proposal is None:
            break
        seen.add(point_digest(proposal.point))
        if model is not None:
            model.await_value(proposal.point)
        found.append(proposal)
    return tuple(proposal for proposal in found if proposal.run_number >= question.run_number)


def _unmodelled(
    question: Question,
    place: int,
    run_number: int,
    seen: set[bytes],
    found: Sequence[Proposal],
    *,
    from_design: bool,
) -> Proposal | None:
    if from_design:
        others = [*(one.point for one in question.valued), *question.pending, *(one.point for one in found)]
        try:
            point = design_point(question.space, question.seed, place, question.design_size, others)
        except InfeasibleError:
            point = None
        if point is not None and point_digest(point) not in seen:
            return Proposal(run_number=run_number, point=point)
    unseen = unseen_point(question.space, question.seed, run_number - 1, seen)
    return None if unseen is None else Proposal(run_number=run_number, point=unseen)
