"""Streams end when their token ends, and other cancellations of their task are distinguished from that."""

import asyncio

import pytest

from sweepd_kernel.auth.open_calls import OpenCalls
from sweepd_kernel.auth.principal import EVERYWHERE, FULL_ACCESS, Principal
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import BadTokenError


def of(token: str, expires: float | None = None) -> Principal:
    return Principal("ada", "person", Scope.READ, EVERYWHERE, token, expires)


async def stream(calls: OpenCalls, principal: Principal, begun: asyncio.Event) -> None:
    with calls.registered(principal):
        begun.set()
        async with asyncio.timeout(30):  # as servicers wait
            await asyncio.Event().wait()


async def begin(calls: OpenCalls, principal: Principal) -> "asyncio.Task[None]":
    begun = asyncio.Event()
    task = asyncio.create_task(stream(calls, principal, begun))
    await begun.wait()
    return task


def test_all_streams_of_a_token_end_and_no_other() -> None:
    async def main() -> None:
        calls = OpenCalls()
        ended = [await begin(calls, of("a")) for _ in range(3)]
        others = [await begin(calls, of("b")), await begin(calls, FULL_ACCESS)]
        calls.end("a")
        for task in ended:
            with pytest.raises(BadTokenError, match="revoked"):
                await task
        assert not any(task.done() for task in others)
        assert calls.tokens() == ["b"]
        for task in others:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert calls.tokens() == []

    asyncio.run(main())


def test_a_stream_ends_when_its_token_expires() -> None:
    async def main() -> None:
        expires = asyncio.get_running_loop().time() + 0.05
        # Not waited for: if this process pauses now, the stream ends before it has begun.
        task = asyncio.create_task(stream(OpenCalls(), of("a", expires), asyncio.Event()))
        with pytest.raises(BadTokenError, match="expired"):
            await task

    asyncio.run(main())


def test_a_stream_that_opens_just_after_its_token_was_revoked_is_refused() -> None:
    async def main() -> None:
        calls = OpenCalls()
        calls.end("a")
        with pytest.raises(BadTokenError), calls.registered(of("a")):
            pass
        assert calls.ended("a")
        assert not calls.ended("b")

    asyncio.run(main())


def test_a_caller_that_cancels_as_its_token_is_revoked_counts_as_cancelled() -> None:
    async def main() -> None:
        calls = OpenCalls()
        task = await begin(calls, of("a"))
        calls.end("a")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


async def busy(calls: OpenCalls, writing: asyncio.Event, written: asyncio.Event) -> None:
    with calls.registered(of("a")) as call:
        assert call is not None
        with call.busy():
            writing.set()
            await written.wait()
        raise AssertionError("it goes on")


def test_a_message_that_is_being_written_is_completed_first() -> None:
    async def main() -> None:
        calls, writing, written = OpenCalls(), asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(busy(calls, writing, written))
        await writing.wait()
        calls.end("a")
        await asyncio.sleep(0)
        assert not task.done()
        written.set()
        with pytest.raises(BadTokenError):
            await task
        assert task.cancelling() == 0

    asyncio.run(main())


def test_a_stream_whose_reader_does_not_take_that_message_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sweepd_kernel.auth.open_calls.PATIENCE", 0.02)

    async def main() -> None:
        calls, writing = OpenCalls(), asyncio.Event()
        task = asyncio.create_task(busy(calls, writing, asyncio.Event()))
        await writing.wait()
        calls.end("a")
        with pytest.raises(BadTokenError):
            await task

    asyncio.run(main())
