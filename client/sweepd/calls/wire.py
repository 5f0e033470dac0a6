"""Port through which calls reach a server, and the forms that several calls share."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from google.protobuf.message import Message

from sweepd.errors import ClientError, InvalidError

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

A = TypeVar("A", bound=Message)
T = TypeVar("T")
S = TypeVar("S", bound=int)
CALL_SECONDS = 30.0
PAGE = 1000
"""Entries that one page is asked for."""
_QUOTA = "request-quota"


class Wire(Protocol):
    """A connection to one server. Its calls raise the exceptions of `sweepd.errors`."""

    address: str
    suspends: bool
    """True where calls suspend their caller, which needs an event loop then."""

    async def one(self, request: Message, response: type[A], *, seconds: float = CALL_SECONDS) -> A:
        """Return the response of a call within so many seconds."""
        ...

    def stream(
        self, request: Message, response: type[A], *, seconds: float | None = None
    ) -> AsyncGenerator[A, None]:
        """Yield what a call brings, for so many seconds at most; its end by that raises UnreachableError."""
        ...

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...

    async def close(self) -> None:
        """Close the connection; harmless when done twice."""
        ...


def path_of(request: Message, response: type[Message]) -> str:
    """Return the path of the call of the contract that takes a request and answers with a response."""
    (service,) = request.DESCRIPTOR.file.services_by_name.values()
    method = service.methods_by_name[request.DESCRIPTOR.name.removesuffix("Request")]
    assert method.output_type == response.DESCRIPTOR
    return f"/{service.full_name}/{method.name}"


def new_request_id() -> str:
    """Return a name for one call, under which a repeat does no harm."""
    return str(uuid.uuid4())


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


class _Fields(Protocol):
    """Fields of requests and answers of these forms."""

    page_token: str
    next_page_token: str
    request_id: str


async def entries(
    wire: Wire, request: Message, response: type[A], of: Callable[[A], Iterable[T]]
) -> AsyncGenerator[T, None]:
    """Yield what `of` finds in each page, each fetched when it is asked for, from that of `request` on."""
    while True:
        page = await wire.one(request, response)
        for entry in of(page):
            yield entry
        token = cast("_Fields", page).next_page_token
        if not token:
            return
        cast("_Fields", request).page_token = token


async def change_state(wire: Wire, request: Message, response: type[A]) -> A:
    """Return the response of a change that may be repeated without a request id, as of a pause or a stop.

    Where the server has no room to remember another response, it is not asked to: else nobody whose quota is
    full could stop a sweep.
    """
    fields = cast("_Fields", request)
    fields.request_id = new_request_id()
    try:
        return await wire.one(request, response)
    except ClientError as error:
        if error.reason != _QUOTA:  # in which case nothing was changed
            raise
    fields.request_id = ""
    return await wire.one(request, response)


def words(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return one word, or several, as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


def states_named(kind: _EnumTypeWrapper[S], given: str | Sequence[str]) -> list[S]:
    """Return states of sweeps or of runs by their words, one or several.

    Raises:
        InvalidError: a word is none.
    """
    known = {name.partition("_STATE_")[2].lower(): state for name, state in kind.items() if state}
    for word in words(given):
        if word not in known:
            noun = kind.DESCRIPTOR.name.removesuffix("State").lower()
            raise InvalidError(f"no state of a {noun}: {word!r}; there are {', '.join(known)}")
    return [known[word] for word in words(given)]
