"""Interface of a connection to a server, and helpers that the calls share."""

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
"""Page size of list requests."""
_QUOTA = "request-quota"


class Wire(Protocol):
    """Connection to one server; its calls raise the exceptions of `sweepd.errors`."""

    address: str
    suspends: bool
    """True if calls suspend, which requires an event loop."""

    async def one(self, request: Message, response: type[A], *, seconds: float = CALL_SECONDS) -> A:
        """Make a call with a deadline of `seconds`; return the response."""
        ...

    def stream(
        self, request: Message, response: type[A], *, seconds: float | None = None
    ) -> AsyncGenerator[A, None]:
        """Yield the messages of a call; raise UnreachableError if the call exceeds `seconds`."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds."""
        ...

    async def close(self) -> None:
        """Close the connection; idempotent."""
        ...


def path_of(request: Message, response: type[Message]) -> str:
    """Return the path of the gRPC method with these request and response types."""
    (service,) = request.DESCRIPTOR.file.services_by_name.values()
    method = service.methods_by_name[request.DESCRIPTOR.name.removesuffix("Request")]
    assert method.output_type == response.DESCRIPTOR
    return f"/{service.full_name}/{method.name}"


def new_request_id() -> str:
    """Return a new id for a request, which makes repeating the request safe."""
    return str(uuid.uuid4())


def closed() -> ClientError:
    """Return the error for a call on a closed client."""
    return ClientError("the client is closed")


def run_now(logic: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end, with or without a running event loop; its wire must never suspend."""
    try:
        logic.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    logic.close()
    raise AssertionError("a blocking wire has suspended")


def iterate(logic: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """Yield the items of an asynchronous generator whose wire never suspends."""
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
    """Fields of paged requests and responses, and of requests that change a state."""

    page_token: str
    next_page_token: str
    request_id: str


async def entries(
    wire: Wire, request: Message, response: type[A], of: Callable[[A], Iterable[T]]
) -> AsyncGenerator[T, None]:
    """Yield the entries that `of` extracts from each page; fetch each page on demand."""
    while True:
        page = await wire.one(request, response)
        for entry in of(page):
            yield entry
        token = cast("_Fields", page).next_page_token
        if not token:
            return
        cast("_Fields", request).page_token = token


async def change_state(wire: Wire, request: Message, response: type[A]) -> A:
    """Make an idempotent call that changes a state, such as a pause or a stop; return its response.

    If the quota of request ids is exhausted, repeat the call without an id: stopping must always be possible.
    """
    fields = cast("_Fields", request)
    fields.request_id = new_request_id()
    try:
        return await wire.one(request, response)
    except ClientError as error:
        if error.reason != _QUOTA:  # a rejected call has changed nothing
            raise
    fields.request_id = ""
    return await wire.one(request, response)


def words(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return one word or several words as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


def states_named(kind: _EnumTypeWrapper[S], given: str | Sequence[str]) -> list[S]:
    """Return the enum values of one or more states of sweeps or runs.

    Raises:
        InvalidError: a word is not a state.
    """
    known = {name.partition("_STATE_")[2].lower(): state for name, state in kind.items() if state}
    for word in words(given):
        if word not in known:
            noun = kind.DESCRIPTOR.name.removesuffix("State").lower()
            raise InvalidError(f"not a state of a {noun}: {word!r}; the states are {', '.join(known)}")
    return [known[word] for word in words(given)]
