"""Writing to a stream that may have to end at any time, but never in the middle of a message.

gRPC sends no status while a message is on its way, and knows no second try.
"""

from typing import TypeAlias

import grpc.aio

from sweepd_kernel.open_calls import OpenCall

Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"


class WholeWrites:
    """The context of one call, which says when it writes; in all else it is the one that it wraps."""

    def __init__(self, context: Context, call: OpenCall) -> None:
        self._context = context
        self._call = call

    async def write(self, message: object) -> None:
        """Write a message.

        Raises:
            BadTokenError: it was written, and the call had to end meanwhile.
        """
        with self._call.busy():
            await self._context.write(message)

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)
