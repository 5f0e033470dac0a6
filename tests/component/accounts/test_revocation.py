"""A token is revoked or expires: all its streams end, both direct ones and those through the gateway."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from component.accounts.deployment import FOREIGN, OWN, Deployment, a_deployment
from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.serving import SERVICE_TOKEN
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.account_service_pb2_grpc import AccountServiceStub
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from sweepd_gateway.backend import CALLS_PER_CONNECTION
from token_channel import token_channel
from waiting import least_async, until_async

A_SECOND = 1.0


async def living(folder: Path, main: Callable[[Deployment], Coroutine[Any, Any, None]]) -> None:
    async with a_deployment(folder) as deployment:
        await main(deployment)


async def ended(call: Any) -> Failure:
    """Return the failure that ends a stream; ignore its messages."""
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return Failure.of(error)
    raise AssertionError("the stream ended without an error")


async def watching(channel: grpc.aio.Channel, sweep: str) -> Any:
    call: Any = SweepServiceStub(channel).WatchSweep(v1.WatchSweepRequest(name=sweep))
    await call.read()
    return call


def test_every_stream_of_a_revoked_token_ends_within_a_second(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        assert await least_async(lambda: revoked(deployment), wanted=A_SECOND) < A_SECOND

    async def revoked(deployment: Deployment) -> float:
        key, secret = await deployment.token("write", [OWN])
        _, other = await deployment.token("write", [OWN])
        gateway, direct = (
            await deployment.channel("gateway", secret),
            await deployment.channel("direct", secret),
        )
        sweep = deployment.sweeps[OWN]
        streams = [await watching(gateway, sweep), await watching(direct, sweep)]
        history: Any = MetricServiceStub(gateway).WatchHistory(v1.WatchHistoryRequest(sweep=sweep))
        await until_async(lambda: opened(deployment, key, 3))
        kept = await watching(await deployment.channel("gateway", other), sweep)
        async with ScriptedAgent(gateway, sweep) as through, ScriptedAgent(direct, sweep) as beside:
            for agent in (through, beside):
                await agent.receive("welcome")
            begun = time.monotonic()
            await deployment.revoke(key)
            ends = await asyncio.gather(*(ended(call) for call in (*streams, history)))
            for agent in (through, beside):
                await agent.end()
            took = time.monotonic() - begun
            for failure in (*ends, *(Failure.of(agent.error) for agent in (through, beside) if agent.error)):
                assert (failure.code, failure.reason) == ("UNAUTHENTICATED", "bad-token")
                assert failure.message == "the token has been revoked"
            assert through.error
            assert beside.error
        for channel in (gateway, direct):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await SweepServiceStub(channel).ListSweeps(v1.ListSweepsRequest())
            assert Failure.of(refused.value).code == "UNAUTHENTICATED"
        assert not kept.done()
        assert not deployment.scheduler_streams(key)
        return took

    asyncio.run(living(tmp_path, main))


async def opened(deployment: Deployment, key: str, count: int) -> bool:
    return deployment.gateway_streams(key) + deployment.scheduler_streams(key) >= count


def test_streams_end_when_their_token_expires(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        async def lived() -> float:
            begun = time.monotonic()
            _, secret = await deployment.token("read", [OWN], lifetime=1.0)
            try:
                calls = [
                    await watching(await deployment.channel(way, secret), deployment.sweeps[OWN])
                    for way in ways
                ]
            except grpc.aio.AioRpcError:
                return math.inf  # this machine has paused until it had expired
            for failure in await asyncio.gather(*(ended(call) for call in calls)):
                assert (failure.code, failure.message) == ("UNAUTHENTICATED", "the token has expired")
            return time.monotonic() - begun

        ways = list(deployment.ways)
        assert 0.5 < await least_async(lived, wanted=1.0 + A_SECOND) < 1.0 + A_SECOND

    asyncio.run(living(tmp_path, main))


def test_while_the_scheduler_is_unavailable_known_tokens_work_and_others_get_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepd_gateway.backend.PATIENCE", 0.2)

    async def main(deployment: Deployment) -> None:
        _, known = await deployment.token("read", [OWN])
        _, unknown = await deployment.token("read", [OWN])
        history = v1.ListSummariesRequest(sweep=deployment.sweeps[OWN])
        await MetricServiceStub(await deployment.channel("gateway", known)).ListSummaries(history)
        await deployment.scheduler.stop()
        await MetricServiceStub(await deployment.channel("gateway", known)).ListSummaries(history)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await MetricServiceStub(await deployment.channel("gateway", unknown)).ListSummaries(history)
        assert (refused.value.code(), Failure.of(refused.value).reason) == (
            grpc.StatusCode.UNAVAILABLE,
            "service-unavailable",
        )
        with pytest.raises(grpc.aio.AioRpcError) as wrong:
            await MetricServiceStub(await deployment.channel("gateway", "no token at all")).ListSummaries(
                history
            )
        assert wrong.value.code() is grpc.StatusCode.UNAUTHENTICATED
        await deployment.scheduler.start()

        async def answers() -> bool:
            try:
                await MetricServiceStub(await deployment.channel("gateway", unknown)).ListSummaries(history)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017
                return False
            return True

        await until_async(answers, within=5.0)

    asyncio.run(living(tmp_path, main))


def test_streams_of_a_token_revoked_during_a_disconnection_end_after_the_reconnection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However many tokens came by meanwhile: it does not forget those whose streams it holds.
    monkeypatch.setattr("sweepd_gateway.tokens.MAX_CACHED", 1)

    async def main(deployment: Deployment) -> None:
        key, secret = await deployment.token("read", [OWN])
        other_key, kept = await deployment.token("read", [OWN])
        follow = v1.WatchHistoryRequest(sweep=deployment.sweeps[OWN])
        history: Any = MetricServiceStub(await deployment.channel("gateway", secret)).WatchHistory(follow)
        await until_async(lambda: opened(deployment, key, 1))
        other: Any = MetricServiceStub(await deployment.channel("gateway", kept)).WatchHistory(follow)
        await until_async(lambda: opened(deployment, other_key, 1))
        await deployment.scheduler.stop()
        folder, gateway = deployment.scheduler.folder, deployment.gateway_gate
        assert gateway.calls.tokens()
        revoked_in(folder, key)
        await deployment.scheduler.start()
        failure = await asyncio.wait_for(ended(history), 5.0)
        assert (failure.code, failure.message) == ("UNAUTHENTICATED", "the token has been revoked")
        assert not other.done()

    asyncio.run(living(tmp_path, main))


def revoked_in(folder: Path, key: str) -> None:
    """Revoke the token through another gateway."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "accounts.sqlite")) as connection, connection:
        connection.execute("update token set revoke_time = create_time + 1 where id = ?", (key,))


def test_many_tokens_each_with_a_stream_are_distinguished(tmp_path: Path) -> None:
    """There are so many that the gateway needs several connections to the scheduler."""
    many = 2 * CALLS_PER_CONNECTION + 20

    async def main(deployment: Deployment) -> None:
        made = [await deployment.token("read", [OWN] if n % 2 else [FOREIGN]) for n in range(many)]
        begun = time.monotonic()
        calls = await asyncio.gather(
            *(follower(deployment, secret, n % 2) for n, (_, secret) in enumerate(made))
        )
        assert time.monotonic() - begun < 30.0

        async def ask() -> float:
            asked = time.monotonic()
            await AccountServiceStub(await deployment.channel("gateway")).WhoAmI(
                v1.WhoAmIRequest(), timeout=30.0
            )
            return time.monotonic() - asked

        assert await least_async(ask, wanted=A_SECOND) < A_SECOND
        chosen = set(range(0, many, many // 10))
        await asyncio.gather(*(deployment.revoke(made[n][0]) for n in chosen))
        for n in chosen:
            failure = await asyncio.wait_for(ended(calls[n]), 5.0)
            assert failure.code == "UNAUTHENTICATED"
        assert not any(call.done() for n, call in enumerate(calls) if n not in chosen)
        listing = AccountServiceStub(await deployment.channel("gateway"))
        ids: list[str] = []
        token = ""
        while True:
            page = await listing.ListTokens(v1.ListTokensRequest(page_size=90, page_token=token))
            ids += [each.id for each in page.tokens]
            token = page.next_page_token
            if not token:
                break
        assert ids == [key for key, _ in reversed(made)]
        assert not any(secret in repr(page) for _, secret in made)

    asyncio.run(living(tmp_path, main))


async def follower(deployment: Deployment, secret: str, own: int) -> Any:
    channel = await deployment.channel("gateway", secret)
    return await watching(channel, deployment.sweeps[OWN if own else FOREIGN])


def test_a_token_revoked_while_its_stream_opens_does_not_keep_the_stream(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        for number in range(20):
            key, secret = await deployment.token("read", [OWN])
            channel = await deployment.channel("gateway" if number % 2 else "direct", secret)
            call: Any = SweepServiceStub(channel).WatchSweep(
                v1.WatchSweepRequest(name=deployment.sweeps[OWN])
            )
            await deployment.revoke(key)
            failure = await asyncio.wait_for(ended(call), 3.0)
            assert failure.code == "UNAUTHENTICATED"

    asyncio.run(living(tmp_path, main))


def test_only_services_may_look_up_tokens_and_follow_revocations(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        for way in ("gateway", "direct"):
            stub = AccountServiceStub(await deployment.channel(way))
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.Authenticate(v1.AuthenticateRequest(digest=bytes(32)))
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
            with pytest.raises(grpc.aio.AioRpcError) as unheard:
                await stub.WatchRevocations(v1.WatchRevocationsRequest()).read()
            assert unheard.value.code() is grpc.StatusCode.PERMISSION_DENIED
        async with token_channel(deployment.scheduler.address, SERVICE_TOKEN) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as unknown:
                await AccountServiceStub(channel).Authenticate(v1.AuthenticateRequest(digest=bytes(32)))
            assert unknown.value.code() is grpc.StatusCode.UNAUTHENTICATED

    asyncio.run(living(tmp_path, main))
