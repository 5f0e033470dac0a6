"""Bidirectional streams: calls that end with the status that the peer sent, and batching of messages."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
import grpc.aio

from sweepd import v1

Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")
M = TypeVar("M", v1.AttachRequest, v1.AttachResponse)

MAX_BATCH = 64
BATCH_BYTES = 64 * 1024
"""Bytes at which a batch is full; a smaller one stays under 1 MiB even if the largest report is added."""

# Status that grpc.aio reports in place of the peer's if a write fails, https://github.com/grpc/grpc/issues/36066.
_WRITE_FAILED = (grpc.StatusCode.INTERNAL, "Internal error from Core")
# In seconds. The status normally arrives right after the last message, unless the connection is lost.
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
    """Reader and writer of one call; its status is the first one received, even if later writes fail."""

    def __init__(self, call: "grpc.aio.StreamStreamCall[Q, A]") -> None:
        self._call = call
        # An iterator still reads messages received before the end if a write fails; `call.read()` does not.
        self._messages = aiter(call)
        self._ending: _Ending | None = None
        call.add_done_callback(self._on_done)

    async def read(self) -> A | None:
        """Return the next message, or None if the call ended with OK.

        Raises:
            grpc.aio.AioRpcError: the call ended with an error.
        """
        with suppress(grpc.aio.AioRpcError, StopAsyncIteration):
            return await anext(self._messages)
        ending = await self._status()
        if ending.code is grpc.StatusCode.OK:
            return None
        raise _error(ending)

    async def write(self, message: Q) -> None:
        """Send `message`; return once the connection has accepted it. Reading must continue meanwhile.

        Raises:
            grpc.aio.AioRpcError: the call ended with an error.
            asyncio.InvalidStateError: the call ended with OK.
        """
        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            ending = await self._status()
            if ending.code is grpc.StatusCode.OK:
                raise asyncio.InvalidStateError from None
            raise _error(ending) from None

    async def done_writing(self) -> None:
        """Half-close the call."""
        await self._call.done_writing()

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """Return the metadata that the peer sent with its status."""
        return (await self._status()).trailing_metadata

    def cancel(self) -> bool:
        """Cancel the call; return False if it had already ended."""
        return self._call.cancel()

    async def _status(self) -> _Ending:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STATUS_WITHIN
        await self._call.code()
        # grpc.aio gives no signal when the final status replaces that of a failed write, so poll.
        while not self._store_status() and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL)
        return self._ending or _LOST

    def _on_done(self, _: object) -> None:
        self._store_status()

    def _store_status(self) -> bool:
        """Store the current status if the peer sent it; return True if a status is stored."""
        call = self._call
        if self._ending is None:
            code, details = _result_of(call.code()), _result_of(call.details())
            if (code, details) != _WRITE_FAILED:
                first, last = _result_of(call.initial_metadata()), _result_of(call.trailing_metadata())
                self._ending = _Ending(code, details, first, last)
        return self._ending is not None


def _result_of(answer: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that does not suspend."""
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("the call has ended, but its status is not complete")


def _error(ending: _Ending) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        ending.code, ending.initial_metadata, ending.trailing_metadata, ending.details
    )


def batched(first: M, following: Callable[[], M | None]) -> M:
    """Append to `first` the following messages that are ready and fit, and return it.

    A batch costs less, because most of the cost of a stream is per message.

    Args:
        first: the message to extend.
        following: function that returns the next message, or None if none is ready.
    """
    size = first.ByteSize()
    while size < BATCH_BYTES and len(first.more) < MAX_BATCH - 1:
        each = following()
        if each is None:
            break
        size += each.ByteSize()
        first.more.append(each)
    return first
