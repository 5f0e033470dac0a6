"""How one call is made: its deadline, its pages, its stream, and the error that all of them end in."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import grpc

from sweepd.errors import error_of
from sweepd.rpc_error import Failure

PAGE = 1000
"""Entries that one page is asked for."""

CALL_SECONDS = 30.0
PRIOR_SECONDS = 300.0
"""For calls with prior runs: the curves of all of them are read before such a call is answered."""

Request = TypeVar("Request")
Response = TypeVar("Response")
Response_co = TypeVar("Response_co", covariant=True)


class _Stream(Protocol[Response_co]):
    """What comes of a call that is answered by a stream."""

    def __iter__(self) -> Iterator[Response_co]: ...

    def cancel(self) -> bool: ...


class _PageRequest(Protocol):
    """A request for one page of several."""

    page_token: str


class _Page(Protocol):
    """One page of several."""

    @property
    def next_page_token(self) -> str: ...


PageRequest = TypeVar("PageRequest", bound=_PageRequest)
Page = TypeVar("Page", bound=_Page)


class Calls:
    """Makes calls to one server; each raises ClientError."""

    def __init__(self, address: str) -> None:
        self.address = address

    def one(
        self, method: Callable[..., Response], request: Request, seconds: float = CALL_SECONDS
    ) -> Response:
        """Return the answer of a call, which has so many seconds."""
        try:
            return method(request, timeout=seconds)
        except grpc.RpcError as error:
            raise error_of(Failure.of(error), self.address) from error

    def pages(self, method: Callable[[PageRequest], Page], request: PageRequest) -> Iterator[Page]:
        """Yield every page, from that of `request` on."""
        while True:
            page = self.one(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def stream(self, call: _Stream[Response]) -> Iterator[Response]:
        """Yield what a stream brings, and end it with the reader."""
        try:
            yield from call
        except grpc.RpcError as error:
            raise error_of(Failure.of(error), self.address) from error
        finally:
            call.cancel()


def new_request_id() -> str:
    """Return a name for one call, under which a repeat does no harm."""
    return str(uuid.uuid4())
