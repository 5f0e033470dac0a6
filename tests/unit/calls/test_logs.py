"""A log is followed to its end, even from a slow server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from sweepd import errors, v1
from sweepd.calls import logs
from sweepd.calls.wire import iterate
from unit.calls.wires import NoWire
from unit.objects.messages import a_run


class _Busy(NoWire):
    """A server with the log of an ended run that sends nothing to followers."""

    def __init__(self) -> None:
        self.log = b"epoch 1\n"

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        assert isinstance(request, v1.GetRunRequest)
        run = a_run(1, 0.5)
        run.attempt = 1
        run.attempts.add(number=1)  # the final length of the log is unknown, as for a lost agent
        return v1.GetRunResponse(run=run)

    async def stream(
        self, request: Any, response: Any, *, seconds: float | None = None
    ) -> AsyncGenerator[Any, None]:
        assert isinstance(request, v1.ReadLogRequest)
        if request.follow:
            raise errors.UnreachableError("no answer in time", code="DEADLINE_EXCEEDED")
        yield v1.ReadLogResponse(attempt=1, offset=request.offset, content=self.log[request.offset :])


def test_silence_of_a_busy_server_is_not_the_end_of_a_log() -> None:
    pieces = iterate(logs.follow(_Busy(), "a/b/c-1", logs.Place(), one_attempt=False))
    assert b"".join(content for _, content in pieces) == b"epoch 1\n"
