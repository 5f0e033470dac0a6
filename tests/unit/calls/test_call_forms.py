"""Pause, resume, stop and cancel work where the server has no room for another response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sweepd.calls import runs, sweeps
from sweepd.calls.wire import Wire, run_now
from sweepd.errors import ClientError, error_of
from sweepd.rpc.failure import Failure
from unit.calls.wires import NoWire

CHANGES = (sweeps.pause, sweeps.resume, sweeps.stop, sweeps.cancel, runs.stop)


class Refusing(NoWire):
    """A server that refuses calls with a request id, for a reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.ids: list[str] = []

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        self.ids.append(request.request_id)
        if request.request_id:
            raise error_of(
                Failure(code="RESOURCE_EXHAUSTED", message="full", reason=self.reason), "nowhere:1"
            )
        return response()


async def called(change: Callable[[Wire, str], Awaitable[object]], wire: Wire) -> None:
    await change(wire, "local/p/s")


@pytest.mark.parametrize("change", CHANGES)
def test_without_room_for_a_response_a_state_is_changed_without_an_id(
    change: Callable[[Wire, str], Awaitable[object]],
) -> None:
    wire = Refusing("request-quota")
    run_now(called(change, wire))
    assert [bool(each) for each in wire.ids] == [True, False]


@pytest.mark.parametrize("change", CHANGES)
def test_another_refusal_is_final(change: Callable[[Wire, str], Awaitable[object]]) -> None:
    wire = Refusing("storage-unavailable")
    with pytest.raises(ClientError, match="full"):
        run_now(called(change, wire))
    assert len(wire.ids) == 1
