"""Port to a server that calls are coroutines over, blocking or not, and ways to run them at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Protocol, TypeVar

from sweepd.calls.methods import A, Method, Q
from sweepd.errors import ClientError

T = TypeVar("T")
CALL_SECONDS = 30.0


class Wire(Protocol):
    """A connection to one server. Its calls raise the exceptions of `sweepd.errors`."""

    address: str
    suspends: bool
    """True where calls suspend their caller, which needs an event loop then."""

    async def one(self, method: Method[Q, A], request: Q, *, seconds: float = CALL_SECONDS) -> A:
        """Return the answer of a call, which has so many seconds."""
        ...

    def stream(
        self, method: Method[Q, A], request: Q, *, seconds: float | None = None
    ) -> AsyncGenerator[A, None]:
        """Yield what a call brings, for so many seconds at most; its end by that raises UnreachableError."""
        ...

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...

    async def close(self) -> None:
        """Close the connection; harmless when done twice."""
        ...


def closed() -> ClientError:
    """Return what a client that is closed raises."""
    return ClientError("the client is closed")


def run_now(logic: Coroutine[None, None, T]) -> T:
    """Run a coroutine whose wire never suspends, here and now, whether or not an event loop is running."""
    try:
        logic.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    logic.close()
    raise AssertionError("a blocking wire has suspended")


def iterate(logic: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """Yield what an asynchronous generator over such a wire does, one by one as the reader asks."""
    try:
        while True:
            try:
                item = run_now(anext(logic))
            except StopAsyncIteration:
                return
            yield item
    finally:
        run_now(logic.aclose())
