"""Streams that end with the token that opened them."""

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
"""Seconds that a reader gets to take the message that is on its way."""
REMEMBERED = 10_000
"""Ids of ended tokens that are kept; no id comes back."""


@dataclass(slots=True, eq=False)
class OpenCall:
    """One stream, served by a task that is cancelled when the token ends, after a write that is under way."""

    task: "asyncio.Task[object]"
    why: str = ""
    """Reason for the end; empty: none yet."""
    _busy: bool = False

    def end(self, why: str) -> None:
        """End the stream, for the reason that its caller is given."""
        if self.why:
            return
        self.why = why
        if self._busy:
            asyncio.get_running_loop().call_later(PATIENCE, self._cut)
        else:
            self.task.cancel()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Postpone the end until this block is left.

        Raises:
            BadTokenError: the token ended meanwhile.
        """
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self.why:
            raise BadTokenError(self.why)

    def _cut(self) -> None:
        if self._busy:  # the reader has stalled; it will find the end without a status
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
        """End all streams of a token, and those that are about to begin."""
        self._ended[token] = None
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]
        for call in tuple(self._by_token.get(token, ())):
            call.end(why)

    def ended(self, token: str) -> bool:
        """Return whether a token ended recently; an answer that was under way may claim otherwise."""
        return token in self._ended

    @contextmanager
    def held(self, principal: Principal) -> Iterator[OpenCall | None]:
        """End the current task when the token of `principal` ends; yield None if it never does.

        Raises:
            BadTokenError: the token ended.
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
            # As `asyncio.timeout` does: a cancellation of ours is an error, anyone else's stays what it is.
            if call.why and task.uncancel() == 0:
                raise BadTokenError(call.why) from None
            raise
        finally:
            if timer is not None:
                timer.cancel()
            left = self._by_token[principal.token]
            left.discard(call)
            if not left:
                del self._by_token[principal.token]


class Writer(Protocol):
    """The side of a call that messages are written to."""

    async def write(self, message: object) -> None:
        """Write a message."""


class DrainedWrites:
    """Context of one call that may end at any time, but never in the middle of a write.

    gRPC sends no status while a message is on its way, and a status cannot be sent twice. In all else this is
    the context that it wraps.
    """

    def __init__(self, context: Writer, call: OpenCall) -> None:
        self._context = context
        self._call = call

    async def write(self, message: object) -> None:
        """Write a message.

        Raises:
            BadTokenError: the message was written, and the call ended meanwhile.
        """
        with self._call.busy():
            await self._context.write(message)

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)
