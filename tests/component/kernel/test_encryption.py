"""TLS: a listener and channels with credentials; tokens are sent as without TLS."""

import asyncio
import logging
from pathlib import Path

import grpc
import grpc.aio
import pytest

from sweepd import v1
from sweepd.rpc.channel import call_metadata, open_blocking_channel, open_channel
from sweepd.rpc.failure import Failure
from sweepd.v1.server_service_pb2_grpc import ServerServiceServicer, ServerServiceStub
from sweepd.v1.server_service_pb2_grpc import add_ServerServiceServicer_to_server as add
from sweepd_kernel.auth.authenticator import Authenticator
from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.flags import Address
from sweepd_kernel.rpc.interceptors import Authentication, ErrorMapping
from sweepd_kernel.rpc.listener import Listener, new_server

FOLDER = Path(__file__).parent / "certificate"
CERTIFICATE, KEY = ((FOLDER / name).read_bytes() for name in ("certificate.pem", "key.pem"))
TOKEN = "people-secret"


class Server(ServerServiceServicer):
    async def GetServerInfo(  # noqa: N802
        self,
        request: v1.GetServerInfoRequest,
        context: "grpc.aio.ServicerContext[v1.GetServerInfoRequest, v1.GetServerInfoResponse]",
    ) -> v1.GetServerInfoResponse:
        return v1.GetServerInfoResponse(version=current_principal().name)


def test_a_listener_with_credentials_accepts_only_encrypted_channels() -> None:
    async def main() -> None:
        authenticator = Authenticator(service_token="service-secret", access_token=TOKEN)
        server = new_server((Authentication(authenticator), ErrorMapping(logging.getLogger("test"))))
        add(Server(), server)
        listener = Listener(
            address=Address("0.0.0.0", 0),  # with encryption, other machines may reach it
            credentials=grpc.ssl_server_credentials([(KEY, CERTIFICATE)]),
        )
        port = listener.bind(server).port
        await server.start()
        address, credentials = f"127.0.0.1:{port}", grpc.ssl_channel_credentials(CERTIFICATE)
        request = v1.GetServerInfoRequest()
        async with open_channel(address, TOKEN, credentials=credentials) as channel:
            answer = await ServerServiceStub(channel).GetServerInfo(request, timeout=10)
            assert answer.version == "owner"
        async with open_channel(address, TOKEN) as unencrypted:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ServerServiceStub(unencrypted).GetServerInfo(request, timeout=10)
            assert Failure.of(refused.value).code == "UNAVAILABLE"
        assert await asyncio.to_thread(_blocking, address, credentials) == "owner"
        await server.stop(None)

    asyncio.run(main())


def _blocking(address: str, credentials: grpc.ChannelCredentials) -> str:
    with open_blocking_channel(address, credentials=credentials) as channel:
        stub = ServerServiceStub(channel)
        answer = stub.GetServerInfo(v1.GetServerInfoRequest(), timeout=10, metadata=call_metadata(TOKEN))
    return answer.version
