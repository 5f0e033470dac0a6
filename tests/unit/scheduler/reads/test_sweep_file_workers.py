"""Workers for sweep files: each caller has a fair share, whatever the work of others costs."""

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from sweepd_kernel.auth.principal import Principal, set_current_principal
from sweepd_scheduler.reads import sweep_file_workers
from sweepd_scheduler.reads.sweep_file_workers import (
    Costs,
    SweepFileWorkers,
    TooCostlyError,
    TooManyWaitingError,
)


def endless() -> int:
    n = 0
    while True:
        n += 1


def running(scenario: Callable[[SweepFileWorkers], Awaitable[None]]) -> None:
    async def main() -> None:
        found = SweepFileWorkers()
        try:
            await scenario(found)
        finally:
            await asyncio.to_thread(found.close)

    asyncio.run(main())


@pytest.mark.lengthy
def test_expensive_work_of_any_caller_does_not_delay_other_calls() -> None:
    async def scenario(do: SweepFileWorkers) -> None:
        async def call(caller: str, work: Callable[[], int]) -> int:
            set_current_principal(Principal(caller, "person", token=caller))
            return await do(work)

        hostile = [asyncio.create_task(call(f"hostile-{number % 5}", endless)) for number in range(20)]
        await asyncio.sleep(0)
        for _ in range(3):
            assert await asyncio.create_task(call("honest", lambda: 7)) == 7
            assert not any(each.done() for each in hostile), (
                "it was answered before any of the others was interrupted"
            )
        for each in hostile:
            each.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)

    running(scenario)


@pytest.mark.lengthy
def test_work_that_costs_too_much_is_interrupted_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_file_workers, "SLOW_LIMIT", 0.3)

    async def scenario(do: SweepFileWorkers) -> None:
        with pytest.raises(TooCostlyError, match="processor time"):
            await do(endless)
        assert await do(lambda: 7) == 7

    running(scenario)


@pytest.mark.lengthy
def test_an_interruption_that_is_lost_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_file_workers, "SLOW_LIMIT", 0.3)
    lost = 0

    def uninterruptible() -> None:
        nonlocal lost
        while lost < 2:
            try:  # as the interpreter does around a destructor
                endless()
            except BaseException:  # noqa: BLE001 (the expected exception is private)
                lost += 1
        endless()

    async def scenario(do: SweepFileWorkers) -> None:
        with pytest.raises(TooCostlyError):
            await do(uninterruptible)

    running(scenario)
    assert lost == 2


def test_a_lost_interruption_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, error: BaseException) -> None:
            self.error = error

        def __del__(self) -> None:
            raise self.error

    reported: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: reported.append(unraisable.exc_type))
    SweepFileWorkers()
    Broken(sweep_file_workers._Interrupted())
    Broken(ValueError())
    assert reported == [ValueError]


@pytest.mark.lengthy
def test_work_that_needs_more_than_its_first_share_is_completed() -> None:
    def some_time() -> int:
        end = time.thread_time() + 0.3
        while time.thread_time() < end:
            pass
        return 7

    async def scenario(do: SweepFileWorkers) -> None:
        assert await do(some_time) == 7

    running(scenario)


def test_a_caller_has_a_bounded_number_of_files_waiting() -> None:
    async def scenario(do: SweepFileWorkers) -> None:
        tasks = [asyncio.create_task(do(endless)) for _ in range(sweep_file_workers.MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyWaitingError):
            await do(lambda: 7)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert await do(lambda: 7) == 7

    running(scenario)


def test_a_call_that_is_cancelled_before_its_thread_has_begun_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = asyncio.Event()

    async def scenario(do: SweepFileWorkers) -> None:
        loop = asyncio.get_running_loop()
        begun = threading.Thread.start

        def start_late(thread: threading.Thread) -> None:
            loop.call_later(0.1, begun, thread)
            late.set()

        await do(lambda: 7)  # its one-time imports are done
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start_late)
            task = asyncio.create_task(do(endless))
            await late.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        assert await do(lambda: 7) == 7

    running(scenario)


def test_the_usage_of_a_caller_decays_over_time() -> None:
    costs = Costs()
    costs.add("a", 8.0, now=0.0)
    costs.add("a", 1.0, now=60.0)
    assert costs.of("a", 60.0) == 5.0
    assert costs.of("b", 60.0) == 0.0
