"""The gateway while a service, or the gateway itself, is unavailable."""

import asyncio
import os
import signal
import time

import grpc
import grpc.aio

from component.gateway.clients import failure, gateway, run, sweep
from component.kernel.small_processes import Daemon, Home
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.server_service_pb2_grpc import ServerServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from sweepd_gateway.backend import PATIENCE
from sweepd_gateway.proxy import INTERVAL
from sweepd_kernel.rpc.server import STOP_GRACE
from token_channel import token_channel
from waiting import least_async, until, until_async


def test_the_name_of_an_unavailable_service_is_in_the_status(home: Home) -> None:
    daemon = home.up()
    pid = home.status()["scheduler"].pid
    os.kill(daemon.process.pid, signal.SIGSTOP)  # so that it is not started again
    try:
        os.kill(pid, signal.SIGKILL)

        async def main() -> None:
            async with gateway(daemon) as opened:
                began = time.monotonic()
                error = await failure(SweepServiceStub(opened).GetSweep(v1.GetSweepRequest(name="x")))
                assert (error.code, error.reason) == ("UNAVAILABLE", "service-unavailable")
                address = daemon.home.entry(daemon.address).services["scheduler"]
                assert error.metadata == {"service": "scheduler", "address": address}
                assert error.retry_after == 1.0
                assert time.monotonic() - began < 3.0
                info = await ServerServiceStub(opened).GetServerInfo(v1.GetServerInfoRequest())
                assert {each.service for each in info.services if not each.serving} == {"scheduler"}

        run(main())
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)


def test_calls_survive_a_restart_of_the_service(daemon: Daemon) -> None:
    async def main() -> None:
        async with gateway(daemon) as opened:

            async def seconds_until_an_answer() -> float:
                pid = int(await sweep(opened, "pid"))
                os.kill(pid, signal.SIGKILL)
                began = time.monotonic()
                again = pid
                while again == pid:
                    try:
                        again = int(await sweep(opened, "pid"))
                    except grpc.aio.AioRpcError as error:
                        assert Failure.of(error).reason == "service-unavailable"  # noqa: PT017
                return time.monotonic() - began

            assert await least_async(seconds_until_an_answer, wanted=3.0) < 3.0

    run(main())


def test_the_gateway_waits_for_a_service_that_is_stopped_during_the_connection(home: Home) -> None:
    daemon = home.up()
    before = home.status()

    async def main() -> None:
        async with gateway(daemon) as opened:

            async def seen_unavailable() -> bool:
                info = await ServerServiceStub(opened).GetServerInfo(v1.GetServerInfoRequest())
                return {each.service for each in info.services if not each.serving} == {"scheduler"}

            assert await sweep(opened, "x") == "x"
            os.kill(before["gateway"].pid, signal.SIGSTOP)  # it finds the service new, and silent
            os.kill(before["scheduler"].pid, signal.SIGKILL)
            until(lambda: home.status()["scheduler"].restarts == 1)
            until(lambda: home.status()["scheduler"].state == "serving")
            again = home.status()["scheduler"].pid
            os.kill(again, signal.SIGSTOP)
            os.kill(before["gateway"].pid, signal.SIGCONT)
            await until_async(seen_unavailable)
            asked = asyncio.create_task(sweep(opened, "x"))
            await asyncio.sleep(2 * PATIENCE)  # longer than the wait for a service without listener
            os.kill(again, signal.SIGCONT)
            assert await asked == "x"

    run(main())


def test_streams_end_with_unavailable_if_the_service_or_the_gateway_ends(daemon: Daemon) -> None:
    async def main() -> None:
        opened = token_channel(daemon.address, daemon.token)
        call = AgentServiceStub(opened).Attach()
        await call.write(v1.AttachRequest(hello=v1.Hello(agent_id="a")))
        await call.read()
        os.kill(int(await sweep(opened, "pid")), signal.SIGKILL)
        error = await failure(call.read())
        assert (error.code, error.reason) == ("UNAVAILABLE", "service-unavailable")
        await until_async(lambda: _serves(opened))  # a restart may take longer than the gateway waits for it
        again = AgentServiceStub(opened).Attach()
        await again.write(v1.AttachRequest(hello=v1.Hello(agent_id="a")))
        await again.read()
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert (await failure(again.read())).code == "UNAVAILABLE"
        assert time.monotonic() - began < STOP_GRACE, "it is told at once, not by an end after the grace"
        await opened.close()

    run(main())
    assert daemon.process.wait(10) == 0
    assert "Traceback" not in daemon.home.stderr()


async def _serves(opened: grpc.aio.Channel) -> bool:
    info = await ServerServiceStub(opened).GetServerInfo(v1.GetServerInfoRequest())
    return all(each.serving for each in info.services)


def test_a_restarted_gateway_has_the_same_entry(home: Home) -> None:
    daemon = home.up()
    os.kill(home.status()["gateway"].pid, signal.SIGKILL)
    until(lambda: home.status()["gateway"].restarts == 1)
    until(lambda: home.status()["gateway"].state == "serving")

    async def main() -> None:
        async with gateway(daemon) as opened:
            assert await sweep(opened, "x") == "x"

    run(main())


def test_a_service_that_hangs_is_named_before_the_deadline_of_the_caller(home: Home) -> None:
    daemon = home.up()
    pid = home.status()["scheduler"].pid

    async def main() -> None:
        async with gateway(daemon) as opened:
            assert await sweep(opened, "x") == "x"
            stub = SweepServiceStub(opened)
            os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            answers = await asyncio.gather(
                failure(stub.GetSweep(v1.GetSweepRequest(name="x"), timeout=20)),
                failure(stub.WatchSweep(v1.WatchSweepRequest(name="x"), timeout=20).read()),
            )
            for answer in answers:
                assert (answer.code, answer.metadata["service"]) == ("UNAVAILABLE", "scheduler")
            assert time.monotonic() - began < 10.0
            os.kill(pid, signal.SIGCONT)
            assert await sweep(opened, "x") == "x"

    run(main())


def test_a_healthy_service_may_take_long_for_a_call(home: Home) -> None:
    daemon = home.up()

    async def main() -> None:
        async with gateway(daemon) as opened:
            stub = SweepServiceStub(opened)
            # Longer than the gateway waits before it looks after the service.
            error = await failure(stub.GetSweep(v1.GetSweepRequest(name="slow"), timeout=INTERVAL + 1.0))
            assert error.code == "DEADLINE_EXCEEDED"

    run(main())
