"""Importance of parameters in the answers of the service."""

from __future__ import annotations

from asyncio import create_task, run, wait_for
from collections.abc import Callable
from dataclasses import replace
from logging import getLogger
from pathlib import Path

import grpc
import pytest

from suggestion_server import SuggestionServer
from suggestion_studies import VARIED, a_spec, valued_points
from sweepd import v1
from sweepd.codec.spec import spec_message
from sweepd.codec.values import point_message, value_message
from sweepd.rpc.failure import Failure
from sweepd_kernel.errors import DomainError, Status
from sweepd_suggestion.domain.feature_importance import feature_importance
from sweepd_suggestion.domain.questions import ImportanceQuestion
from sweepd_suggestion.fits import Fits
from sweepd_suggestion.servicer import Importances


def request(question: ImportanceQuestion) -> v1.GetImportanceRequest:
    return v1.GetImportanceRequest(
        spec=spec_message(a_spec(VARIED)),
        points=[
            v1.ValuedPoint(point=point_message(point), value=value)
            for point, value in zip(question.points, question.values, strict=True)
        ],
    )


def test_the_service_answers_over_the_wire_and_stays_light(server: SuggestionServer) -> None:
    question = valued_points(lambda p, _: p["batch"] + (p["opt"]["kind"] == "sgd"))
    answer = server.stub.GetImportance(request(question), timeout=30).importance
    expected = feature_importance(question)
    assert (answer.runs, answer.explained) == (expected.runs, expected.explained)
    assert [(tuple(one.names), one.importance) for one in answer.parameters] == [
        (one.names, one.importance) for one in expected.parameters
    ]
    kind = next(one for one in answer.parameters if list(one.names) == ["opt.kind"])
    assert not kind.HasField("correlation")
    assert [one.value for one in kind.categories] == [value_message(value) for value in ("adam", "sgd", None)]
    assert "numpy" not in Path(f"/proc/{server.pid}/maps").read_text()
    assert server.stub.GetImportance(request(question), timeout=0.5).importance == answer


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda message: message.points[1].point.entries[0].value.Clear(), "points[1].point"),
        (lambda message: setattr(message.points[0], "value", float("nan")), "points[0].value"),
        (lambda message: message.ClearField("spec"), "spec.method"),
    ],
)
def test_a_malformed_request_is_refused_with_the_path_of_the_field(
    server: SuggestionServer, spoil: Callable[[v1.GetImportanceRequest], None], field: str
) -> None:
    message = request(valued_points(lambda p, _: p["lr"], 3))
    spoil(message)
    with pytest.raises(grpc.RpcError) as caught:
        server.stub.GetImportance(message, timeout=10)
    failure = Failure.of(caught.value)
    assert failure.code == "INVALID_ARGUMENT"
    assert field in failure.message


def test_equal_requests_share_a_computation_and_too_many_different_ones_are_refused() -> None:
    question = valued_points(lambda p, _: p["lr"], 3)

    async def scenario() -> None:
        importances = Importances(Fits(0, getLogger()))  # no worker: all of them wait
        messages = [request(replace(question, values=(float(n), 0.0, 1.0))) for n in range(17)]
        waiting = [create_task(importances.answer(each)) for each in messages[:16] * 2]
        with pytest.raises(DomainError, match="too many") as refused:
            await wait_for(create_task(importances.answer(messages[16])), 10)  # after those that wait
        assert refused.value.status is Status.RESOURCE_EXHAUSTED
        assert not any(each.done() for each in waiting)
        for each in waiting:
            each.cancel()

    run(scenario())
