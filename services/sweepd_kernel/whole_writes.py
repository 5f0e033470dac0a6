"""A stream that may have to end at any time, but never in the middle of a message.

gRPC sends no status while a message is on its way, and knows no second try. So messages are written in tasks
of their own, which a cancellation of the servicer leaves alone, and the status waits for the last of them.
"""

import asyncio
from typing import TypeAlias

import grpc.aio

Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"
PATIENCE = 0.5
"""How long a reader gets to take the last message; one that stalls is cut off without a status."""


class WholeWrites:
    """The context of one call; in all but writing it is the one that it wraps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._writing: asyncio.Task[None] | None = None

    async def write(self, message: object) -> None:
        """Write a message; if the caller is cancelled meanwhile, it is written all the same."""
        self._writing = asyncio.create_task(self._write(message))
        await asyncio.shield(self._writing)

    async def settle(self) -> None:
        """Wait until no message is on its way any more, or the reader has stalled."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=PATIENCE)
            self._writing.cancel()

    async def _write(self, message: object) -> None:
        await self._context.write(message)

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)
