"""How the points of an answer come about one by one: each is pending for the runs after it."""

from typing import Protocol

from sweepd.spec import Point, point_digest
from sweepd_suggestion.domain.design import design_vector
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

    The first runs of a study take the design's points; so do all while there is no model.
    """
    seen = set(question.seen)
    answer: list[Proposal] = []
    for run_number in range(question.first_run, question.run_number + question.count):
        modelled = model is not None and run_number > question.design_size
        proposal = model.propose(run_number, seen) if model is not None and modelled else None
        proposal = proposal or _by_index(question, run_number, seen, from_design=not modelled)
        if proposal is None:
            break
        seen.add(point_digest(proposal.point))
        if model is not None:
            model.await_value(proposal.point)
        if run_number >= question.run_number:
            answer.append(proposal)
    return tuple(answer)


def _by_index(question: Question, run_number: int, seen: set[bytes], *, from_design: bool) -> Proposal | None:
    index = run_number - 1
    if from_design:
        vector = design_vector(question.space, question.seed, index, question.design_size)
        point = question.space.from_unit(vector)
        if point_digest(point) not in seen:
            return Proposal(run_number=run_number, point=point)
    unseen = unseen_point(question.space, question.seed, index, seen)
    return None if unseen is None else Proposal(run_number=run_number, point=unseen)
