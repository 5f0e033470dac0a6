"""Watches recover from interruptions and report every change once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from sweepd import errors, v1
from sweepd.calls.following import follow, run_until
from sweepd.calls.wire import iterate, run_now
from sweepd.objects import reading
from unit.calls.wires import NoWire
from unit.objects.messages import a_run, a_sweep


class _Watched(NoWire):
    """Watched sweep whose streams break: each is the list of messages before the break."""

    def __init__(self, *streams: list[v1.WatchSweepResponse]) -> None:
        self.streams = list(streams)
        self.tokens: list[str] = []
        self.known: list[v1.Run] = []

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        assert isinstance(request, v1.GetRunRequest)
        return v1.GetRunResponse(run=self.known.pop(0))

    async def stream(
        self, request: Any, response: Any, *, seconds: float | None = None
    ) -> AsyncGenerator[Any, None]:
        assert isinstance(request, v1.WatchSweepRequest)
        self.tokens.append(request.resume_token)
        for message in self.streams.pop(0):
            yield message
        raise errors.UnreachableError("gone", code="UNAVAILABLE")

    async def pause(self, seconds: float) -> None:
        """Return immediately."""


def _part(*runs: v1.Run, token: str = "0", continues: bool = False, **sweep: Any) -> v1.WatchSweepResponse:
    message = v1.WatchSweepResponse(resume_token=token, runs=runs, snapshot_continues=continues)
    if sweep:
        message.sweep.CopyFrom(a_sweep(**sweep))
        message.sweep.spec.tags.append("one")
    return message


def test_an_interrupted_snapshot_is_restarted() -> None:
    runs = [a_run(number) for number in range(1, 4)]
    watched = _Watched(
        [_part(runs[0], continues=True, revision=1)],
        [_part(runs[0], runs[1], continues=True, revision=1), _part(runs[2], token="7")],
        [_part(a_run(3, 0.5), token="8"), _part(token="9", revision=2, best_value=0.5)],
    )
    changes = iterate(reading.changes(watched, "a/b/c"))
    whole, change, last = next(changes), next(changes), next(changes)
    assert [run.number for run in whole.runs] == [1, 2, 3]
    assert list(whole.sweep.spec.tags) == ["one"]
    assert [run.value for run in change.runs] == [0.5]
    assert last.sweep.best_value == 0.5
    assert watched.tokens == ["", "0", "7"]


def test_a_run_that_has_ended_has_the_details_of_its_script() -> None:
    """The watch does not carry the details that the script reported; the client reads them at the end."""
    live, ended, detailed = a_run(1, state=v1.RUN_STATE_RUNNING), a_run(1, 0.5), a_run(1, 0.5)
    detailed.details.notes = "detailed"
    watched = _Watched([_part(live, revision=1), _part(ended, token="2")])
    watched.known = [live, detailed]
    waiting = reading.wait(run_until, watched, "a/b/c-1", "finished", limit=None, check=True)
    assert run_now(waiting).details.notes == "detailed"


class _Passing(NoWire):
    """Server that is briefly unavailable while a standalone run fails."""

    def __init__(self) -> None:
        live, failed = (a_run(1, state=state) for state in (v1.RUN_STATE_RUNNING, v1.RUN_STATE_FAILED))
        live.sweep = failed.sweep = ""
        self.answers: list[v1.Run | errors.ClientError] = [
            live,
            errors.UnreachableError("away", code="UNAVAILABLE"),
            live,
            failed,
        ]
        self.pauses = 0

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, errors.ClientError):
            raise answer
        return v1.GetRunResponse(run=answer)

    async def pause(self, seconds: float) -> None:
        self.pauses += 1


def test_a_standalone_run_is_polled_until_it_has_ended() -> None:
    passing = _Passing()
    with pytest.raises(errors.FailedError, match="a/b/c-1 has ended as failed"):
        run_now(reading.wait(run_until, passing, "a/b/c-1", "finished", limit=None, check=True))
    assert (passing.answers, passing.pauses) == ([], 2), (
        "it is polled again immediately, then after each pause"
    )


def test_waiting_for_a_value_of_a_standalone_run_is_refused() -> None:
    passing = _Passing()
    with pytest.raises(errors.InvalidError, match="has no objective to wait for; wait for its end"):
        run_now(reading.wait(run_until, passing, "a/b/c-1", "best<1", limit=None, check=True))
    assert passing.pauses == 0


def test_each_interruption_is_reported_once() -> None:
    reported: list[str] = []
    broken = [[_part(a_run(1), token="1", revision=1)], [], [], [_part(a_run(1, 0.5), token="2")], []]
    watched = _Watched(*broken, [_part(token="3", revision=2)])
    messages = iterate(follow(watched, "a/b/c", on_gap=lambda error: reported.append(error.said)))
    assert [next(messages).resume_token for _ in range(3)] == ["1", "2", "3"]
    assert watched.tokens == ["", "1", "1", "1", "2", "2"]
    assert reported == ["gone", "gone"]
