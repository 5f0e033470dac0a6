"""Streams that end when the token does with which they were opened."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sweepd_kernel.errors import BadTokenError
from sweepd_kernel.principal import Principal

EXPIRED = "the token has expired"
REVOKED = "the token has been revoked"
PATIENCE = 0.5
"""Seconds that a reader gets to take the message that is on its way."""
REMEMBERED = 10_000
"""Ids of ended tokens that are kept; no id comes back."""


@dataclass(slots=True, eq=False)
class OpenCall:
    """One stream, served by a task; it is cancelled when the token ends, or what it is busy with is over."""

    task: "asyncio.Task[object]"
    why: str = ""
    _busy: bool = False

    def end(self, why: str) -> None:
        """End it."""
        if self.why:
            return
        self.why = why
        if self._busy:
            asyncio.get_running_loop().call_later(PATIENCE, self._cut)
        else:
            self.task.cancel()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Put the end off, for a moment.

        Raises:
            BadTokenError: it was to end meanwhile.
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
    """The streams that are open, by the id of their token."""

    def __init__(self) -> None:
        self._by_token: dict[str, set[OpenCall]] = {}
        self._ended: dict[str, None] = {}

    def tokens(self) -> list[str]:
        """Return the ids of the tokens that hold streams open."""
        return list(self._by_token)

    def count(self, token: str) -> int:
        """Return how many streams a token holds open."""
        return len(self._by_token.get(token, ()))

    def end(self, token: str, why: str = REVOKED) -> None:
        """End all streams of a token, and those that are about to begin."""
        self._ended[token] = None
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]
        for call in tuple(self._by_token.get(token, ())):
            call.end(why)

    def ended(self, token: str) -> bool:
        """Whether a token was ended lately: an answer that was on its way meanwhile may say otherwise."""
        return token in self._ended

    @contextmanager
    def held(self, principal: Principal) -> Iterator[OpenCall | None]:
        """Let the task at hand end when the token of `principal` does; None: that has no end.

        Raises:
            BadTokenError: it did.
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
