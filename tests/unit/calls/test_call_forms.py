"""Pause, resume, stop and cancel work although the server cannot store another response."""

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
    """A server that refuses calls with a request id, with a given reason."""

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
def test_a_state_is_changed_without_a_request_id_if_the_server_cannot_store_responses(
    change: Callable[[Wire, str], Awaitable[object]],
) -> None:
    wire = Refusing("request-quota")
    run_now(called(change, wire))
    assert [bool(each) for each in wire.ids] == [True, False]


@pytest.mark.parametrize("change", CHANGES)
def test_a_refusal_for_another_reason_is_final(change: Callable[[Wire, str], Awaitable[object]]) -> None:
    wire = Refusing("storage-unavailable")
    with pytest.raises(ClientError, match="full"):
        run_now(called(change, wire))
    assert len(wire.ids) == 1
