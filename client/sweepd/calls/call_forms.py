"""Forms of calls that several subjects share: lists by page, and changes of state."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol, TypeVar, cast

from sweepd.calls.methods import A, Method, Q, new_request_id
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError

T = TypeVar("T")
PAGE = 1000
"""Entries that one page is asked for."""


_QUOTA = "request-quota"


class _Fields(Protocol):
    """Fields of requests and answers of these forms."""

    page_token: str
    next_page_token: str
    request_id: str


async def entries(
    wire: Wire, method: Method[Q, A], request: Q, of: Callable[[A], Iterable[T]]
) -> AsyncGenerator[T, None]:
    """Yield what `of` finds in each page, each fetched when it is asked for, from that of `request` on."""
    while True:
        page = await wire.one(method, request)
        for entry in of(page):
            yield entry
        token = cast("_Fields", page).next_page_token
        if not token:
            return
        cast("_Fields", request).page_token = token


async def change_state(wire: Wire, method: Method[Q, A], request: Q) -> A:
    """Return the response of a change that may be repeated without a request id, as of a pause or a stop.

    Where the server has no room to remember another response, it is not asked to: else nobody whose quota is
    full could stop a sweep.
    """
    fields = cast("_Fields", request)
    fields.request_id = new_request_id()
    try:
        return await wire.one(method, request)
    except ClientError as error:
        if error.reason != _QUOTA:  # in which case nothing was changed
            raise
    fields.request_id = ""
    return await wire.one(method, request)
