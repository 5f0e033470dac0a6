"""Finds out at the server's door which sweeps are meant, and where to attach."""

from collections.abc import AsyncIterator, Sequence

import grpc.aio

from sweepd import v1
from sweepd.v1.server_service_pb2_grpc import ServerServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from sweepd_agent.core.events import Refusal
from sweepd_agent.core.names import SweepName

_WITHIN = 10.0
_PAGE = 1_000


class LookupRefusedError(Exception):
    """The name of a sweep stands for none, or for several."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


async def server_info(door: grpc.aio.Channel) -> v1.GetServerInfoResponse:
    """Ask what the server is; raises grpc.aio.AioRpcError."""
    return await ServerServiceStub(door).GetServerInfo(v1.GetServerInfoRequest(), timeout=_WITHIN)


async def full_names(door: grpc.aio.Channel, names: Sequence[SweepName]) -> frozenset[str]:
    """Return the full names of sweeps; only bare ids are looked up.

    Raises:
        LookupRefusedError: an id stands for no sweep, or for several.
        grpc.aio.AioRpcError: the server did not answer.
    """
    if all(name.full is not None for name in names):
        return frozenset(name.full for name in names if name.full is not None)
    there = [sweep async for sweep in _sweeps(door)]
    return frozenset(
        name.full or _only(name, [sweep for sweep in there if name.matches(sweep)]) for name in names
    )


def _only(name: SweepName, found: Sequence[str]) -> str:
    if not found:
        raise LookupRefusedError(
            Refusal.NO_SUCH_SWEEP, f"no sweep {name.id}; `sweepctl list` shows those there are"
        )
    if len(found) > 1:
        raise LookupRefusedError(
            Refusal.AMBIGUOUS, f"{name.id} may be any of {', '.join(sorted(found))}; write the full name"
        )
    return found[0]


async def _sweeps(door: grpc.aio.Channel) -> AsyncIterator[str]:
    stub = SweepServiceStub(door)
    token = ""
    while True:
        request = v1.ListSweepsRequest(page_size=_PAGE, page_token=token)
        page = await stub.ListSweeps(request, timeout=_WITHIN)
        for sweep in page.sweeps:
            yield sweep.name
        token = page.next_page_token
        if not token:
            return
