"""Routes and authentication serve a transport other than gRPC: HTTP, by a small adapter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Never

import grpc
import pytest

from component.kernel.small_processes import Daemon
from sweepd import v1
from sweepd.rpc.channel import Entries
from sweepd_gateway.backend import Backend
from sweepd_gateway.call_routes import routes
from sweepd_gateway.proxy import Proxy
from sweepd_kernel.auth.authenticator import Authenticator, Credentials, check_scope
from sweepd_kernel.auth.principal import set_current_principal
from sweepd_kernel.errors import DomainError

GET_SWEEP = "/sweepd.v1.SweepService/GetSweep"
WATCH_SWEEP = "/sweepd.v1.SweepService/WatchSweep"


class StatusError(Exception):
    """Failure of a service, with its status."""


class Answer:
    """Exchange that records the response to the caller."""

    def __init__(self, most: int = 1) -> None:
        self.messages: list[bytes] = []
        self._most = most

    def time_remaining(self) -> float | None:
        return 10.0

    async def write(self, message: bytes, /) -> None:
        self.messages.append(message)
        if len(self.messages) == self._most:
            raise EOFError  # the reader has left

    def set_trailing_metadata(self, entries: Entries, /) -> None:
        return None

    async def abort(self, code: grpc.StatusCode, details: str, entries: Entries, /) -> Never:
        raise StatusError(code.name, details)


class HttpRoutes:
    """HTTP handler of `POST /sweepd.v1.SweepService/GetSweep` and other routes; bodies are messages."""

    def __init__(self, daemon: Daemon) -> None:
        secret = (daemon.home.data / "service-token").read_text().strip()
        self._authenticator = Authenticator(service_token=secret, access_token=daemon.token)
        scheduler = Backend("scheduler", daemon.home.status()["scheduler"].address, secret)
        self._proxies = {
            path: Proxy(route, scheduler) for path, route in routes().items() if route.backend == "scheduler"
        }

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, path, _ = (await reader.readline()).decode().split(" ")
        headers: dict[str, str | bytes] = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        try:
            caller = await self._authenticator.principal(Credentials.read(headers))
            check_scope(caller, path)
            set_current_principal(caller)
            status, answer = "200", await self._forward(self._proxies[path], body)
        except DomainError as error:
            status, answer = error.status.value, error.message.encode()
        except StatusError as error:
            status, answer = error.args[0], error.args[1].encode()
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(answer)}\r\n\r\n".encode() + answer)
        await writer.drain()
        writer.close()

    async def _forward(self, proxy: Proxy, body: bytes) -> bytes:
        if not proxy.route.response_streaming:
            return await proxy.unary(body, Answer())
        answer = Answer(most=2)
        with pytest.raises(EOFError):
            await proxy.server_stream(body, answer)
        return answer.messages[1]


@asynccontextmanager
async def serving(daemon: Daemon) -> AsyncIterator[int]:
    server = await asyncio.start_server(HttpRoutes(daemon), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def post(port: int, path: str, token: str | None, body: bytes) -> tuple[str, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    authorization = "" if token is None else f"Authorization: Bearer {token}\r\n"
    writer.write(
        f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{authorization}\r\n".encode() + body
    )
    head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head.decode().split()[1], answer


def test_a_route_is_served_over_http(daemon: Daemon) -> None:
    async def main() -> None:
        async with serving(daemon) as port:
            request = v1.GetSweepRequest(name="who").SerializeToString()
            status, answer = await post(port, GET_SWEEP, daemon.token, request)
            assert status == "200"
            assert v1.GetSweepResponse.FromString(answer).sweep.name == "person:owner"
            request = v1.WatchSweepRequest(name="x").SerializeToString()
            _, answer = await post(port, WATCH_SWEEP, daemon.token, request)
            assert v1.WatchSweepResponse.FromString(answer).resume_token == "1"

    asyncio.run(main())


def test_refusals_and_statuses_are_the_same_over_http(daemon: Daemon) -> None:
    async def main() -> None:
        async with serving(daemon) as port:
            assert await post(port, GET_SWEEP, None, b"") == (
                "UNAUTHENTICATED",
                b"this call needs a token: send the header `authorization: Bearer TOKEN`",
            )
            internal = "/sweepd.v1.AccountService/Authenticate"
            assert (await post(port, internal, daemon.token, b""))[0] == "PERMISSION_DENIED"
            missing = v1.GetSweepRequest(name="missing").SerializeToString()
            assert await post(port, GET_SWEEP, daemon.token, missing) == (
                "NOT_FOUND",
                b"missing does not exist",
            )

    asyncio.run(main())
