"""Registry of open streams, each of which ends when its token expires or is revoked."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sweepd_kernel.auth.principal import Principal
from sweepd_kernel.errors import BadTokenError

EXPIRED = "the token has expired"
REVOKED = "the token has been revoked"
PATIENCE = 0.5
"""Maximum seconds for which a write in progress delays the end of a stream."""
MAX_ENDED_TOKENS = 10_000
"""Maximum number of ids of ended tokens to keep; ids are never reused."""


@dataclass(slots=True, eq=False)
class OpenCall:
    """Stream whose task is cancelled when its token expires or is revoked, but not during a write."""

    task: "asyncio.Task[object]"
    why: str = ""
    """Reason why the stream was ended; empty while it is open."""
    _busy: bool = False

    def end(self, why: str) -> None:
        """End the stream; `why` is reported to its caller."""
        if self.why:
            return
        self.why = why
        if self._busy:
            asyncio.get_running_loop().call_later(PATIENCE, self._cancel_stalled)
        else:
            self.task.cancel()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Postpone a cancellation by `end` until the block exits, for at most PATIENCE seconds.

        Raises:
            BadTokenError: on exit, if the token ended during the block.
        """
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self.why:
            raise BadTokenError(self.why)

    def _cancel_stalled(self) -> None:
        if self._busy:  # the reader has stalled: cancel the write, so the reader gets no status
            self.task.cancel()


class OpenCalls:
    """Open streams, by the id of their token."""

    def __init__(self) -> None:
        self._by_token: dict[str, set[OpenCall]] = {}
        self._ended: dict[str, None] = {}

    def tokens(self) -> list[str]:
        """Return the ids of the tokens with open streams."""
        return list(self._by_token)

    def count(self, token: str) -> int:
        """Return the number of open streams of a token."""
        return len(self._by_token.get(token, ()))

    def end(self, token: str, why: str = REVOKED) -> None:
        """End all streams of a token, and refuse new ones."""
        self._ended[token] = None
        if len(self._ended) > MAX_ENDED_TOKENS:
            del self._ended[next(iter(self._ended))]
        for call in tuple(self._by_token.get(token, ())):
            call.end(why)

    def ended(self, token: str) -> bool:
        """Return True if `end` was recently called for a token.

        A response that the token store sent earlier may still report such a token as valid.
        """
        return token in self._ended

    @contextmanager
    def registered(self, principal: Principal) -> Iterator[OpenCall | None]:
        """Register the current task as an open stream in the block; cancel it if the principal's token ends.

        Yield None if the principal has no token id.

        Raises:
            BadTokenError: the token has ended, before the block or during it.
        """
        task = asyncio.current_task()
        if not principal.token or task is None:
            yield None
            return
        if self.ended(principal.token):
            raise BadTokenError(REVOKED)
        call = OpenCall(task)
        self._by_token.setdefault(principal.token, set()).add(call)
        loop = asyncio.get_running_loop()
        timer = None
        if principal.expires is not None:
            timer = loop.call_later(max(0.0, principal.expires - loop.time()), call.end, EXPIRED)
        try:
            yield call
        except asyncio.CancelledError:
            # As in `asyncio.timeout`: a cancellation by `OpenCall` becomes an error, any other is re-raised.
            if call.why and task.uncancel() == 0:
                raise BadTokenError(call.why) from None
            raise
        finally:
            if timer is not None:
                timer.cancel()
            remaining = self._by_token[principal.token]
            remaining.discard(call)
            if not remaining:
                del self._by_token[principal.token]


class Writer(Protocol):
    """Part of a call's context that sends response messages."""

    async def write(self, message: object) -> None:
        """Write a message."""


class DrainedWrites:
    """Wrapper of a call's context that prevents the call from being cancelled during a write.

    gRPC cannot send a status while a write is in progress, and cannot send a status twice. Everything but
    `write` is delegated to the wrapped context.
    """

    def __init__(self, context: Writer, call: OpenCall) -> None:
        self._context = context
        self._call = call

    async def write(self, message: object) -> None:
        """Write a message.

        Raises:
            BadTokenError: the message was written, but the token ended meanwhile.
        """
        with self._call.busy():
            await self._context.write(message)

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)
