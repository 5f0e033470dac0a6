"""Codec between protobuf messages and the questions and answers of the service."""

from collections.abc import Sequence
from math import isfinite

from sweepd import v1
from sweepd.codec.spec import spec_from_message
from sweepd.codec.values import CodecError, point_from_message, point_message, value_message
from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.errors import InvalidFieldError
from sweepd_suggestion.domain.proposal import ENGINE
from sweepd_suggestion.domain.questions import (
    CategoryCorrelation,
    Importance,
    ImportanceQuestion,
    ParameterImportance,
    PointsFound,
    PointsWanted,
    Proposal,
)
from sweepd_suggestion.domain.study import Ended, HandedOut, Observation, Outcome, RungReached, ValueSoFar
from sweepd_suggestion.studies import StudyUpdate

_MAX_POINTS = 64

_OUTCOMES: dict[int, Outcome] = {
    v1.RUN_OUTCOME_FINISHED: Outcome.FINISHED,
    v1.RUN_OUTCOME_STOPPED: Outcome.STOPPED,
    v1.RUN_OUTCOME_FAILED: Outcome.FAILED,
    v1.RUN_OUTCOME_NOTHING: Outcome.NOTHING,
}


def study_update(request: v1.SuggestRequest) -> StudyUpdate:
    """Decode the observations of a request; raise InvalidFieldError if malformed."""
    if not request.sweep:
        raise InvalidFieldError("sweep", "is required")
    if request.first_observation < 1:
        raise InvalidFieldError("first_observation", "observations are numbered from 1")
    from_start = request.first_observation == 1 and request.HasField("spec")
    return StudyUpdate(
        key=(request.sweep, request.revision),
        spec=_spec(request.spec) if from_start else None,
        first=request.first_observation,
        observations=_observations(request.observations),
    )


def wanted(request: v1.SuggestRequest) -> PointsWanted:
    """Decode the points that a request asks for; raise InvalidFieldError if malformed."""
    if request.count > _MAX_POINTS:
        raise InvalidFieldError("count", f"must be at most {_MAX_POINTS}")
    if request.count and request.run_number < 1:
        raise InvalidFieldError("run_number", "runs are numbered from 1")
    return PointsWanted(request.run_number, request.count)


def prepare_response(objections: Sequence[tuple[str, str]]) -> v1.PrepareResponse:
    """Encode the reasons why a sweep cannot be searched."""
    violations = [v1.SpecViolation(path=path, message=why) for path, why in objections]
    return v1.PrepareResponse(violations=violations, engine=ENGINE)


def suggestions(found: PointsFound) -> v1.SuggestResponse:
    """Encode proposed points."""
    return v1.SuggestResponse(
        suggestions=v1.Suggestions(
            suggestions=[_suggestion(proposal, found) for proposal in found.proposals],
            observations_known=found.known,
            exhausted=found.exhausted,
        )
    )


def importance_question(request: v1.GetImportanceRequest) -> ImportanceQuestion:
    """Decode a question about importance; raise InvalidFieldError if malformed."""
    return ImportanceQuestion(
        space=_spec(request.spec).search_space,
        points=tuple(_point(each.point, f"points[{i}].point") for i, each in enumerate(request.points)),
        values=tuple(_finite(each.value, f"points[{i}].value") for i, each in enumerate(request.points)),
    )


def importance_message(found: Importance) -> v1.Importance:
    """Encode the importance of parameters."""
    return v1.Importance(
        parameters=map(_parameter_importance, found.parameters), runs=found.runs, explained=found.explained
    )


def _parameter_importance(found: ParameterImportance) -> v1.ParameterImportance:
    return v1.ParameterImportance(
        names=found.names,
        importance=found.importance,
        correlation=found.correlation,
        categories=map(_category, found.categories),
    )


def _category(found: CategoryCorrelation) -> v1.CategoryCorrelation:
    return v1.CategoryCorrelation(value=value_message(found.value), correlation=found.correlation)


def _spec(message: v1.SweepSpec) -> SweepSpec:
    try:
        return spec_from_message(message)
    except CodecError as error:
        raise InvalidFieldError(f"spec.{error.field}".rstrip("."), error.why) from error


def _observations(messages: Sequence[v1.StudyObservation]) -> list[Observation]:
    return [_observation(message, f"observations[{index}]") for index, message in enumerate(messages)]


def _observation(message: v1.StudyObservation, field: str) -> Observation:
    if message.run_number < 1 and message.prior_index < 1:
        raise InvalidFieldError(f"{field}.run_number", "runs are numbered from 1")
    # Prior runs get negative numbers, since they are older than the runs of the sweep.
    number = message.run_number or -message.prior_index
    match message.WhichOneof("event"):
        case "handed_out":
            point = _point(message.handed_out.point, f"{field}.handed_out.point")
            return HandedOut(run_number=number, point=point)
        case "rung_reached":
            rung = message.rung_reached
            value = _finite(rung.value, f"{field}.rung_reached.value")
            return RungReached(run_number=number, iteration=rung.iteration, value=value)
        case "value_so_far":
            shown = message.value_so_far
            so_far = _finite(shown.value, f"{field}.value_so_far.value") if shown.HasField("value") else None
            return ValueSoFar(run_number=number, value=so_far)
        case "ended":
            return _ended(number, message.ended, f"{field}.ended")
        case None:
            raise InvalidFieldError(field, "no event is given")


def _point(message: v1.ParameterMap, field: str) -> Point:
    try:
        return point_from_message(message, field)
    except CodecError as error:
        raise InvalidFieldError(error.field, error.why) from error


def _ended(number: int, message: v1.RunEnded, field: str) -> Ended:
    outcome = _OUTCOMES.get(message.outcome)
    if outcome is None:
        raise InvalidFieldError(f"{field}.outcome", f"{message.outcome} is not a valid value")
    best = _finite(message.best_value, f"{field}.best_value") if message.HasField("best_value") else None
    return Ended(
        run_number=number,
        outcome=outcome,
        # Without a value, the best value counts.
        value=_finite(message.value, f"{field}.value") if message.HasField("value") else best,
        best=best,
        worst=_finite(message.worst_value, f"{field}.worst_value")
        if message.HasField("worst_value")
        else None,
        last=_finite(message.last_value, f"{field}.last_value") if message.HasField("last_value") else None,
    )


def _suggestion(proposal: Proposal, found: PointsFound) -> v1.Suggestion:
    message = v1.Suggestion(
        point=point_message(proposal.point),
        engine=ENGINE,
        observations_seen=found.observed,
        study_length=found.known,
    )
    prediction = proposal.prediction
    if prediction is not None:
        message.predicted_value = prediction.value
        message.predicted_deviation = prediction.deviation
        message.expected_improvement = prediction.expected_improvement
    return message


def _finite(value: float, field: str) -> float:
    if not isfinite(value):
        raise InvalidFieldError(field, "must be finite")
    return value
