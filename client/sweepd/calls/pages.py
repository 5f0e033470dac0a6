"""Lists that come a page at a time, each page fetched when it is asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol, TypeVar, cast

from sweepd.calls.methods import A, Method, Q
from sweepd.calls.wire import Wire

T = TypeVar("T")
PAGE = 1000
"""Entries that one page is asked for."""


class _Token(Protocol):
    """A request for a page, and an answer that is one."""

    page_token: str
    next_page_token: str


async def entries(
    wire: Wire, method: Method[Q, A], request: Q, of: Callable[[A], Iterable[T]]
) -> AsyncGenerator[T, None]:
    """Yield what `of` finds in each page, from that of `request` on."""
    while True:
        page = await wire.one(method, request)
        for entry in of(page):
            yield entry
        token = cast("_Token", page).next_page_token
        if not token:
            return
        cast("_Token", request).page_token = token
