"""Lists that come a page at a time, each page fetched when it is asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TypeVar

from sweepd import v1
from sweepd.calls.methods import Method
from sweepd.calls.wire import Wire

PAGE = 1000
"""Entries that one page is asked for."""

PageRequest = TypeVar(
    "PageRequest",
    v1.ListSweepsRequest,
    v1.ListRunsRequest,
    v1.ListPriorRunsRequest,
    v1.ListAgentsRequest,
    v1.GetHistoryRequest,
    v1.ListSummariesRequest,
    v1.ListFilesRequest,
    v1.ListEntitiesRequest,
    v1.ListProjectsRequest,
    v1.ListTokensRequest,
)
Page = TypeVar(
    "Page",
    v1.ListSweepsResponse,
    v1.ListRunsResponse,
    v1.ListPriorRunsResponse,
    v1.ListAgentsResponse,
    v1.GetHistoryResponse,
    v1.ListSummariesResponse,
    v1.ListFilesResponse,
    v1.ListEntitiesResponse,
    v1.ListProjectsResponse,
    v1.ListTokensResponse,
)


async def pages(
    wire: Wire, method: Method[PageRequest, Page], request: PageRequest
) -> AsyncGenerator[Page, None]:
    """Yield every page, from that of `request` on."""
    while True:
        page = await wire.one(method, request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
