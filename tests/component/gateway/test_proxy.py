"""Calls through the gateway of a real daemon: bytes, status, details, deadlines, ends and back-pressure."""

import asyncio
import time
from collections.abc import Iterator

import grpc
import grpc.aio
import pytest

from blocking_channel import channel
from component.gateway.clients import failure, gateway, run, streams, sweep, unary
from component.kernel.small_processes import Daemon, Home
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.server_service_pb2_grpc import ServerServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from token_channel import token_channel
from waiting import least_async, until_async


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Daemon shared by all tests that do not depend on calls of other tests."""
    place = Home(tmp_path_factory.mktemp("daemon"))
    yield place.up()
    place.close()


@pytest.fixture
def unused(home: Home) -> Daemon:
    return home.up()


def test_each_service_of_people_is_reachable_with_their_token(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            assert await sweep(opened, "a/b/c") == "a/b/c"
            assert await sweep(opened, "who") == "person:owner"
            summaries = await MetricServiceStub(opened).ListSummaries(v1.ListSummariesRequest())
            assert summaries.next_page_token == "from the metric store"

    run(main())


def test_a_blocking_client_reaches_the_gateway(daemon: Daemon) -> None:
    with channel(daemon.address, daemon.token) as opened:
        stub = SweepServiceStub(opened)
        assert stub.GetSweep(v1.GetSweepRequest(name="who")).sweep.name == "person:owner"
        watched = stub.WatchSweep(v1.WatchSweepRequest(name="x"))
        assert next(watched).resume_token == "0"
        watched.cancel()
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetSweep(v1.GetSweepRequest(name="missing"))
    assert Failure.of(caught.value).reason == "no-such-name"


@pytest.mark.parametrize("token", [None, "wrong-token-wrong-token"])
def test_without_a_valid_token_only_health_answers(daemon: Daemon, token: str | None) -> None:
    async def main() -> None:
        async with token_channel(daemon.address, token) as opened:
            for call in (
                SweepServiceStub(opened).GetSweep(v1.GetSweepRequest(name="x")),
                ServerServiceStub(opened).GetServerInfo(v1.GetServerInfoRequest()),
                unary(opened, "/no.such.Service/Method", b""),
                SweepServiceStub(opened).WatchSweep(v1.WatchSweepRequest(name="x")).read(),
                AgentServiceStub(opened).Attach().read(),
            ):
                error = await failure(call)
                assert (error.code, error.reason) == ("UNAUTHENTICATED", "bad-token")
            assert await unary(opened, "/grpc.health.v1.Health/Check", b"") == b"\x08\x01"

    run(main())


def test_errors_arrive_with_their_details(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            stub = SweepServiceStub(opened)
            missing = await failure(stub.GetSweep(v1.GetSweepRequest(name="missing")))
            assert (missing.code, missing.reason) == ("NOT_FOUND", "no-such-name")
            assert missing.metadata == {"name": "missing"}
            wrong = await failure(stub.PauseSweep(v1.PauseSweepRequest(name="a/b/c")))
            assert wrong.message == "cannot pause a/b/c: it is finished"
            assert (wrong.code, wrong.reason) == ("FAILED_PRECONDITION", "wrong-state")
            broken = await failure(stub.GetSweep(v1.GetSweepRequest(name="broken")))
            assert broken.code == "INTERNAL"
            assert "KeyError" not in broken.message
            # Behind the gateway, but nothing that people call.
            unknown = await failure(unary(opened, "/sweepd.v1.SuggestionService/Suggest", b""))
            assert unknown.code == "UNIMPLEMENTED"
            watched = stub.WatchSweep(v1.WatchSweepRequest(name="one"))
            assert isinstance(await watched.read(), v1.WatchSweepResponse)
            assert (await failure(watched.read())).message == "too slow"

    run(main())


def test_a_token_of_people_cannot_write_points(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            call = streams(opened, "/sweepd.v1.MetricService/Append")
            error = await failure(call.read())
            assert (error.code, error.reason) == ("PERMISSION_DENIED", "not-allowed")
            assert error.metadata == {"method": "sweepd.v1.MetricService/Append"}

    run(main())


def test_services_behind_the_gateway_refuse_the_token_of_people(daemon: Daemon) -> None:
    async def main() -> None:
        address = daemon.home.entry(daemon.address).services["metric-store"]
        async with token_channel(address, daemon.token) as opened:
            error = await failure(MetricServiceStub(opened).ListSummaries(v1.ListSummariesRequest()))
            assert error.code == "UNAUTHENTICATED"

    run(main())


def test_deadlines_are_forwarded(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            assert 5.0 < float(await sweep(opened, "time", deadline=7.0)) <= 7.0
            began = time.monotonic()
            stub = SweepServiceStub(opened)
            error = await failure(stub.GetSweep(v1.GetSweepRequest(name="slow"), timeout=0.3))
            assert error.code == "DEADLINE_EXCEEDED"
            assert time.monotonic() - began < 2.0

    run(main())


def test_both_directions_and_the_half_close_of_a_stream_are_forwarded(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            call = AgentServiceStub(opened).Attach()
            for number in range(3):
                await call.write(v1.AttachRequest(hello=v1.Hello(agent_id=f"a{number}")))
                answer = await call.read()
                assert isinstance(answer, v1.AttachResponse)
                assert answer.welcome.session == f"a{number}"
            await call.done_writing()
            last = await call.read()
            assert isinstance(last, v1.AttachResponse)
            assert last.welcome.session == "bye"
            assert await call.read() is grpc.aio.EOF
            assert await call.code() is grpc.StatusCode.OK

    run(main())


def test_a_stream_that_the_service_refuses_ends_with_its_reason(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            call = AgentServiceStub(opened).Attach()
            await call.write(v1.AttachRequest(hello=v1.Hello(agent_id="refuse")))
            assert (await failure(call.read())).reason == "wrong-state"

    run(main())


def test_a_call_cancelled_by_the_client_ends_at_the_service(unused: Daemon) -> None:
    async def main() -> None:
        async with gateway(unused) as opened:
            attached = AgentServiceStub(opened).Attach()
            await attached.write(v1.AttachRequest(hello=v1.Hello(agent_id="a")))
            await attached.read()
            watched = SweepServiceStub(opened).WatchSweep(v1.WatchSweepRequest(name="x"))
            await watched.read()
            assert (await sweep(opened, "seen")).startswith("2 0 ")
            attached.cancel()
            watched.cancel()

            async def ended() -> bool:
                return (await sweep(opened, "seen")).startswith("0 ")

            await until_async(ended)

    run(main())


def test_a_slow_reader_slows_the_service_down(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            watched = SweepServiceStub(opened).WatchSweep(v1.WatchSweepRequest(name="flood"))
            await watched.read()
            before, written = -1, 0
            while written > before:  # until it writes no more for a while
                await asyncio.sleep(0.1)
                before, written = written, int((await sweep(opened, "seen")).split()[2])
            assert written < 1_000  # of 10,000: each is 64 KiB, and nobody reads them
            watched.cancel()

    run(main())


def test_more_streams_than_one_connection_carries_block_no_call(unused: Daemon) -> None:
    async def main() -> None:
        channels = [token_channel(unused.address, unused.token) for _ in range(3)]
        calls = [AgentServiceStub(opened).Attach() for opened in channels for _ in range(70)]

        async def attach(call: "grpc.aio.StreamStreamCall[v1.AttachRequest, v1.AttachResponse]") -> None:
            await call.write(v1.AttachRequest(hello=v1.Hello(agent_id="a")))
            assert isinstance(await call.read(), v1.AttachResponse)

        async def ask() -> float:
            began = time.monotonic()
            assert (await sweep(channels[0], "seen")).startswith("210 ")
            return time.monotonic() - began

        await asyncio.wait_for(asyncio.gather(*(attach(call) for call in calls)), 20.0)
        assert await least_async(ask, wanted=1.0) < 1.0
        for opened in channels:
            await opened.close()

    run(main())


def test_the_gateway_describes_the_server(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:
            info = await ServerServiceStub(opened).GetServerInfo(v1.GetServerInfoRequest())
            assert info.protocol_version == 1
            assert info.host_boot_id
            assert info.local_attach_address == daemon.home.entry(daemon.address).services["scheduler"]
            assert [(each.service, each.serving) for each in info.services] == [
                ("scheduler", True),
                ("metric-store", True),
                ("suggestion", True),
                ("gateway", True),
            ]

    run(main())


def test_a_message_that_is_too_large_or_malformed_affects_no_other_call(unused: Daemon) -> None:
    async def main() -> None:
        async with gateway(unused) as opened:
            get = "/sweepd.v1.SweepService/GetSweep"
            large = await failure(unary(opened, get, b"x" * (5 * 1024 * 1024)))
            assert large.code == "RESOURCE_EXHAUSTED"
            assert (await failure(unary(opened, get, b"\xff\xff"))).reason == "invalid-field"
            attach = streams(opened, "/sweepd.v1.AgentService/Attach")
            await attach.write(b"\xff\xff")
            assert (await failure(attach.read())).reason == "invalid-field"
            assert await sweep(opened, "x") == "x"

    run(main())
    assert "Traceback" not in unused.home.stderr()
