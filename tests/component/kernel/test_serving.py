"""`run_service`: calls are accepted only between the start and the stop of a service."""

import asyncio
import logging

import grpc.aio
import pytest

from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.server_service_pb2_grpc import ServerServiceServicer, ServerServiceStub
from sweepd.v1.server_service_pb2_grpc import add_ServerServiceServicer_to_server as add
from sweepd_kernel.flags import Address
from sweepd_kernel.rpc.listener import Listener
from sweepd_kernel.rpc.server import ServerSettings, run_service
from token_channel import token_channel

TOKEN = "people-secret"
REQUEST = v1.GetServerInfoRequest()
SETTINGS = ServerSettings(
    name="slow",
    listener=Listener(address=Address("127.0.0.1", 0)),
    service_token="service-secret",
    access_token=TOKEN,
    log=logging.getLogger("test"),
)


class SlowService(ServerServiceServicer):
    """Service whose start and stop last until the test permits their end."""

    def __init__(self) -> None:
        self.bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.may_start = asyncio.Event()
        self.stopping = asyncio.Event()
        self.may_stop = asyncio.Event()

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        add(self, server)
        return ("sweepd.v1.ServerService",)

    async def start(self, address: str) -> None:
        self.bound.set_result(address)
        await self.may_start.wait()

    async def stop(self) -> None:
        self.stopping.set()
        await self.may_stop.wait()

    async def GetServerInfo(  # noqa: N802
        self,
        request: v1.GetServerInfoRequest,
        context: "grpc.aio.ServicerContext[v1.GetServerInfoRequest, v1.GetServerInfoResponse]",
    ) -> v1.GetServerInfoResponse:
        return v1.GetServerInfoResponse(version="started" if self.may_start.is_set() else "too early")


def test_a_call_during_the_start_is_answered_once_the_service_has_started() -> None:
    async def main() -> None:
        service, stopping = SlowService(), asyncio.Event()
        serving = asyncio.create_task(
            run_service(service, SETTINGS, ready=lambda _address: None, stopping=stopping)
        )
        async with token_channel(await service.bound, TOKEN) as channel:
            call = asyncio.ensure_future(ServerServiceStub(channel).GetServerInfo(REQUEST, timeout=20))
            await asyncio.wait({call}, timeout=0.3)
            service.may_start.set()
            assert (await call).version == "started"
        service.may_stop.set()
        stopping.set()
        await serving

    asyncio.run(main())


def test_a_service_that_stops_accepts_no_call() -> None:
    async def main() -> None:
        service, stopping = SlowService(), asyncio.Event()
        service.may_start.set()
        serving = asyncio.create_task(
            run_service(service, SETTINGS, ready=lambda _address: None, stopping=stopping)
        )
        address = await service.bound
        async with token_channel(address, TOKEN) as channel:
            assert (await ServerServiceStub(channel).GetServerInfo(REQUEST, timeout=20)).version == "started"
        stopping.set()
        await service.stopping.wait()
        async with token_channel(address, TOKEN) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ServerServiceStub(channel).GetServerInfo(REQUEST, timeout=20)
        assert Failure.of(refused.value).code == "UNAVAILABLE"
        service.may_stop.set()
        await serving

    asyncio.run(main())
