"""Cards of sweeps and runs in a notebook, also while the server is unavailable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sweepd import v1
from sweepd.calls.wire import run_now
from sweepd.errors import DeniedError, UnreachableError
from sweepd.objects import reading
from sweepd.objects.results import BestSoFar
from unit.calls.wires import NoWire
from unit.objects.messages import a_run, a_series, a_sweep


def _number(key: str) -> v1.KeySummary:
    return v1.KeySummary(key=key, last=v1.MetricValue(double_value=0.5))


class _Server(NoWire):
    """Server that returns one sweep, its runs and a history, or an error."""

    def __init__(self, sweep: v1.Sweep, error: Exception | None = None) -> None:
        self.sweep = sweep
        self.error = error

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        if self.error is not None:
            raise self.error
        if isinstance(request, v1.GetSweepRequest):
            return v1.GetSweepResponse(sweep=self.sweep)
        if isinstance(request, v1.GetRunRequest):
            return v1.GetRunResponse(run=a_run(1, 0.5, minute=1, params={"lr": 0.25}))
        if isinstance(request, v1.ListSummariesRequest):
            note = v1.KeySummary(key="a note", last=v1.MetricValue(string_value="b"))
            return v1.ListSummariesResponse(summaries=[_number("acc"), _number("loss"), note])
        if isinstance(request, v1.GetHistoryRequest):
            return v1.GetHistoryResponse(series=[a_series(key, 1.0, 0.5) for key in request.keys])
        assert isinstance(request, v1.ListRunsRequest)
        assert request.order == v1.RUN_ORDER_BEST
        return v1.ListRunsResponse(runs=[a_run(1, 0.5, minute=1, params={"lr": 0.25})])

    async def stream(self, request: Any, response: Any, *, seconds: float | None = None) -> Any:
        assert isinstance(request, v1.ReadSweepProgressRequest)
        yield v1.ReadSweepProgressResponse(runs=[2], end_times=[1.79e9], values=[0.75], bests=[0.75])
        yield v1.ReadSweepProgressResponse(runs=[1], end_times=[0], values=[0.5], bests=[0.5])


def test_a_card_has_the_curve_of_a_sweep_and_its_best_runs() -> None:
    server = _Server(a_sweep(run_counts=v1.RunCounts(finished=1), best_value=0.5))
    card = run_now(reading.show_sweep(server, a_sweep()))
    assert "running · 1 run: 1 finished" in card
    assert "best loss so far over runs" in card
    assert '<td class="number">0.25</td>' in card


def test_the_best_value_is_the_one_sent_by_the_server() -> None:
    first, second = run_now(reading.progress(_Server(a_sweep()), "local/p/s"))
    ended = datetime.fromtimestamp(1.79e9, UTC)
    assert first == BestSoFar("local/p/s-2", 2, ended, 0.75, 0.75)
    assert second == BestSoFar("local/p/s-1", 1, None, 0.5, 0.5)


def test_the_card_of_a_run_draws_its_objective() -> None:
    card = run_now(reading.show_run(_Server(a_sweep()), a_run(1)))
    assert "loss over step" in card
    assert "acc" not in card


def test_the_card_of_a_run_without_its_objective_draws_the_first_numeric_key() -> None:
    server = _Server(a_sweep())
    server.sweep.spec.metric.name = "val_loss"
    assert "acc over step" in run_now(reading.show_run(server, a_run(1)))


@pytest.mark.parametrize("error", [UnreachableError("it is <away>"), DeniedError("it is <away>")])
def test_without_a_server_a_card_shows_the_known_state(error: Exception) -> None:
    server = _Server(a_sweep(), error)
    for card in (
        run_now(reading.show_sweep(server, a_sweep(best_value=0.125))),
        run_now(reading.show_run(server, a_run(1, 0.125))),
    ):
        assert "0.125" in card
        assert "last known state; it is &lt;away&gt;" in card
