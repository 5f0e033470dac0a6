"""Watchdog of a forwarded call: gives the call up when its service hangs."""

import asyncio
from types import TracebackType
from typing import Self, TypeAlias

import grpc.aio

from sweepd.rpc.bidi_call import BidiCall
from sweepd_gateway.backend import Backend

# A call may take long. Its service is asked for its health meanwhile, and given up if it does not answer.
INTERVAL = 2.0
PATIENCE = 4.0

Call: TypeAlias = (
    "grpc.aio.UnaryUnaryCall[bytes, bytes] | grpc.aio.UnaryStreamCall[bytes, bytes] | BidiCall[bytes, bytes]"
)


class Watchdog:
    """Watches a call until its first answer, and cancels it if its service hangs."""

    def __init__(self, backend: Backend, call: Call) -> None:
        self._backend = backend
        self._call = call
        self._task: asyncio.Task[None] | None = None
        # A timer, as nearly every call is answered before a task would be worth its price.
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._begin)
        self.gave_up = False

    def end(self) -> None:
        """Stop watching: an answer has come."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while await self._backend.answers(PATIENCE):  # noqa: ASYNC110 (an exchange, not a flag)
            await asyncio.sleep(INTERVAL)
        self.gave_up = True
        self._call.cancel()
