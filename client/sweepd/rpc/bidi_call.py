"""A bidirectional stream that ends with the status that the other side sent."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
import grpc.aio

Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")

# What grpc.aio puts in the place of the status when a write fails, https://github.com/grpc/grpc/issues/36066.
_WRITE_FAILED = (grpc.StatusCode.INTERNAL, "Internal error from Core")
# In seconds. The status is on its way once all messages are read, unless the connection is lost oddly.
_STATUS_WITHIN = 1.0
_POLL = 0.005


@dataclass(frozen=True, slots=True)
class _Ending:
    code: grpc.StatusCode
    details: str
    initial_metadata: grpc.aio.Metadata
    trailing_metadata: grpc.aio.Metadata


_LOST = _Ending(
    grpc.StatusCode.UNAVAILABLE, "the connection was lost", grpc.aio.Metadata(), grpc.aio.Metadata()
)


class BidiCall(Generic[Q, A]):
    """Reads and writes one call. Its status is the first that came, whatever becomes of later writes."""

    def __init__(self, call: "grpc.aio.StreamStreamCall[Q, A]") -> None:
        self._call = call
        # An iterator reads what came before the end even when a write has failed; `call.read()` does not.
        self._messages = aiter(call)
        self._ending: _Ending | None = None
        call.add_done_callback(self._take)

    async def read(self) -> A | None:
        """Return the next message, or None at a good end.

        Raises:
            grpc.aio.AioRpcError: the call ended badly.
        """
        with suppress(grpc.aio.AioRpcError, StopAsyncIteration):
            return await anext(self._messages)
        ending = await self._status()
        if ending.code is grpc.StatusCode.OK:
            return None
        raise _error(ending)

    async def write(self, message: Q) -> None:
        """Send `message`; return once the connection has taken it. Reading must continue meanwhile.

        Raises:
            grpc.aio.AioRpcError: the call ended badly.
            asyncio.InvalidStateError: it ended well.
        """
        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            ending = await self._status()
            if ending.code is grpc.StatusCode.OK:
                raise asyncio.InvalidStateError from None
            raise _error(ending) from None

    async def done_writing(self) -> None:
        """End the sending side."""
        await self._call.done_writing()

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """Return what the other side sent with its status."""
        return (await self._status()).trailing_metadata

    def cancel(self) -> bool:
        """Cancel the call; return whether it had not ended yet."""
        return self._call.cancel()

    async def _status(self) -> _Ending:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STATUS_WITHIN
        await self._call.code()
        # grpc.aio does not signal when it replaces the status of a failed write by the final one.
        while not self._taken() and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL)
        return self._ending or _LOST

    def _take(self, _: object) -> None:
        self._taken()

    def _taken(self) -> bool:
        """Keep the present status if it is the other side's; return whether one is kept."""
        call = self._call
        if self._ending is None:
            code, details = _at_hand(call.code()), _at_hand(call.details())
            if (code, details) != _WRITE_FAILED:
                first, last = _at_hand(call.initial_metadata()), _at_hand(call.trailing_metadata())
                self._ending = _Ending(code, details, first, last)
        return self._ending is not None


def _at_hand(answer: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that has nothing to wait for."""
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("the status is there, but not what belongs to it")


def _error(ending: _Ending) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        ending.code, ending.initial_metadata, ending.trailing_metadata, ending.details
    )
