"""The service over gRPC: killed, suspended, restarted, and called by many clients at once."""

import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import grpc
import pytest

from processes import alive
from suggestion_server import Caller, SuggestionServer, send_signal
from suggestion_studies import SMALL, a_spec
from sweepd import v1
from sweepd.codec.spec import spec_message
from sweepd.codec.values import point_from_message
from sweepd.rpc.failure import Failure
from sweepd.spec.point import point_digest
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceStub
from waiting import least, until

ENOUGH = 8  # runs of the design in the space of the tests


def test_the_service_receives_deltas_only_and_returns_predictions(server: SuggestionServer) -> None:
    caller = Caller(server)
    caller.search(ENOUGH + 1)
    assert len(caller.request(20).observations) == 2
    (suggestion,) = caller.ask(ENOUGH + 2).suggestions
    assert suggestion.engine == "skopt-gp/3"
    assert suggestion.study_length == len(caller.history)
    assert suggestion.observations_seen == ENOUGH + 1, "values, not hand-outs and ends"
    assert suggestion.HasField("predicted_value")
    assert caller.spec.search_space.violations(point_from_message(suggestion.point)) == ()


def test_the_service_process_does_not_load_numpy(server: SuggestionServer) -> None:
    Caller(server).search(ENOUGH + 1)
    mapped = Path(f"/proc/{server.pid}/maps").read_text()
    assert "numpy" not in mapped
    assert "scipy" not in mapped
    assert len(server.workers()) == 1


def test_a_worker_killed_during_a_fit_is_replaced_and_the_call_succeeds(server: SuggestionServer) -> None:
    caller = Caller(server)
    caller.search(ENOUGH + 1)
    worker = server.worker()
    send_signal(worker, signal.SIGSTOP)
    answer = server.start_suggest(caller.request(ENOUGH + 2))
    assert not answer.done()
    send_signal(worker, signal.SIGKILL)
    assert len(answer.result().suggestions.suggestions) == 1
    assert server.worker() != worker


def test_a_worker_killed_while_idle_is_replaced(server: SuggestionServer) -> None:
    caller = Caller(server)
    caller.search(ENOUGH + 1)
    send_signal(server.worker(), signal.SIGKILL)
    caller.search(2)


def test_a_killed_service_leaves_no_worker_and_one_resend_restores_the_points(
    own_server: SuggestionServer,
) -> None:
    caller = Caller(own_server)
    caller.search(ENOUGH + 1)
    before, worker = caller.point(ENOUGH + 2), own_server.worker()
    own_server.kill()
    until(lambda: not alive(worker))
    own_server.start()
    answer = own_server.stub.Suggest(caller.request(ENOUGH + 2), timeout=30)
    assert answer.resend_from == 1
    assert caller.point(ENOUGH + 2) == before


def test_an_answer_after_the_deadline_is_returned_by_the_next_call(
    server: SuggestionServer,
) -> None:
    caller = Caller(server)
    caller.search(ENOUGH + 1)
    worker = server.worker()
    send_signal(worker, signal.SIGSTOP)
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as caught:
            caller.ask(ENOUGH + 2, timeout=0.2)
        assert Failure.of(caught.value).code == "DEADLINE_EXCEEDED"

    def seconds_of_other_calls() -> float:
        began = time.monotonic()
        assert not server.stub.Prepare(v1.PrepareRequest(spec=spec_message(a_spec())), timeout=5).violations
        assert len(Caller(server).ask(1).suggestions) == 1
        return time.monotonic() - began

    assert least(seconds_of_other_calls, wanted=1.0) < 1.0
    send_signal(worker, signal.SIGCONT)
    assert len(caller.ask(ENOUGH + 2).suggestions) == 1


def test_many_calls_of_one_sweep_do_not_delay_another(server: SuggestionServer) -> None:
    busy, quiet = Caller(server), Caller(server)
    for caller in (busy, quiet):
        caller.search(ENOUGH + 1)
    worker = server.worker()
    send_signal(worker, signal.SIGSTOP)
    order: list[str] = []
    answers = []
    for name, caller, count in (("busy", busy, 12), ("quiet", quiet, 1)):
        for index in range(count):
            answer = server.start_suggest(caller.request(ENOUGH + 2 + index))
            answer.add_done_callback(partial(lambda name, _: order.append(name), name))
            answers.append(answer)
        # Each sweep's questions have arrived before those of the next.
        server.stub.Prepare(v1.PrepareRequest(), timeout=5)
    send_signal(worker, signal.SIGCONT)
    for answer in answers:
        answer.result()
    until(lambda: len(order) == 13)
    assert order.index("quiet") <= 3


def test_a_second_worker_starts_only_while_the_first_is_busy_and_both_end_with_the_service(
    tmp_path: Path,
) -> None:
    server = SuggestionServer(tmp_path, workers=2)
    server.start()
    try:
        busy, quiet = Caller(server), Caller(server)
        for caller in (busy, quiet):
            caller.search(ENOUGH + 1)
        first = server.worker()
        send_signal(first, signal.SIGSTOP)
        stuck = server.start_suggest(busy.request(ENOUGH + 2))
        assert len(quiet.ask(ENOUGH + 2).suggestions) == 1
        workers = server.workers()
        assert len(workers) == 2
        send_signal(first, signal.SIGCONT)
        assert len(stuck.result().suggestions.suggestions) == 1
        assert server.terminate() == 0
        assert not any(map(alive, workers))
    finally:
        server.end()


def test_concurrent_calls_get_different_points(server: SuggestionServer) -> None:
    caller = Caller(server)
    caller.search(ENOUGH + 1)
    caller.ask(1, count=0)
    answers = [server.start_suggest(caller.request(ENOUGH + 2 + index)) for index in range(8)]
    points = [point_from_message(answer.result().suggestions.suggestions[0].point) for answer in answers]
    assert len({point_digest(point) for point in points}) == 8


def test_a_finite_space_ends(server: SuggestionServer) -> None:
    caller = Caller(server, spec=a_spec(SMALL))
    for number in range(1, 7):
        (suggestion,) = caller.ask(number).suggestions
        caller.run(number, suggestion.point, float(number))
    answer = caller.ask(7)
    assert answer.exhausted
    assert not answer.suggestions


def test_a_space_that_cannot_be_searched_is_reported_in_the_response(server: SuggestionServer) -> None:
    message = spec_message(a_spec())
    assert server.stub.Prepare(v1.PrepareRequest(spec=message)).engine == "skopt-gp/3"
    del message.parameters[:]
    message.parameters.add(name="c").distribution.constant.int_value = 1
    (violation,) = server.stub.Prepare(v1.PrepareRequest(spec=message)).violations
    assert "not constant" in violation.message
    (violation,) = server.stub.Prepare(v1.PrepareRequest()).violations
    assert violation.path == "method"


def no_name(request: v1.SuggestRequest) -> None:
    request.sweep = ""


def number_zero(request: v1.SuggestRequest) -> None:
    request.first_observation = 0


def too_many(request: v1.SuggestRequest) -> None:
    request.count = 65


def run_zero(request: v1.SuggestRequest) -> None:
    request.run_number = 0


def no_event(request: v1.SuggestRequest) -> None:
    request.observations.add(run_number=1)


def not_finite(request: v1.SuggestRequest) -> None:
    request.observations.add(run_number=1).rung_reached.value = float("nan")


def not_finite_so_far(request: v1.SuggestRequest) -> None:
    request.observations.add(run_number=1).value_so_far.value = float("inf")


def no_outcome(request: v1.SuggestRequest) -> None:
    request.observations.add(run_number=1).ended.iterations = 1


def unknown_run(request: v1.SuggestRequest) -> None:
    request.observations.add(run_number=4).ended.outcome = v1.RUN_OUTCOME_FAILED


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (no_name, "sweep"),
        (number_zero, "first_observation"),
        (too_many, "count"),
        (run_zero, "run_number"),
        (no_event, "observations[0]"),
        (not_finite, "observations[0].rung_reached.value"),
        (not_finite_so_far, "observations[0].value_so_far.value"),
        (no_outcome, "observations[0].ended.outcome"),
        (unknown_run, "observations[0].run_number"),
    ],
)
def test_malformed_requests_name_the_field(
    server: SuggestionServer, spoil: Callable[[v1.SuggestRequest], None], field: str
) -> None:
    request = Caller(server).request(1)
    spoil(request)
    with pytest.raises(grpc.RpcError) as caught:
        server.stub.Suggest(request, timeout=5)
    failure = Failure.of(caught.value)
    assert failure.code == "INVALID_ARGUMENT"
    assert [path for path, _ in failure.violations] == [field]


def test_only_services_may_call(server: SuggestionServer) -> None:
    with grpc.insecure_channel(server.address) as unauthenticated, pytest.raises(grpc.RpcError) as caught:
        SuggestionServiceStub(unauthenticated).Prepare(v1.PrepareRequest(), timeout=5)
    assert Failure.of(caught.value).code == "UNAUTHENTICATED"


def test_a_terminated_service_ends_although_its_worker_is_frozen(own_server: SuggestionServer) -> None:
    Caller(own_server).search(ENOUGH + 1)
    worker = own_server.worker()
    send_signal(worker, signal.SIGSTOP)
    began = time.monotonic()
    assert own_server.terminate() == 0
    assert time.monotonic() - began < 10
    assert not alive(worker)
