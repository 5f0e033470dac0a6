"""Worker threads that read sweep files, shared fairly, as one file may take seconds.

New work gets a short time in the quick lane. Work that needs more is restarted in the slow lane, where it may
be interrupted and restarted in favour of callers that have used less processor time. So work must be pure.
Work that takes too much processor time is aborted.
"""

import asyncio
import ctypes
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Generic, ParamSpec, TypeVar, cast

from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.errors import DomainError, Status

QUICK_LIMIT = 0.03
"""Limit of processor time in the quick lane, in seconds."""

SLOW_LIMIT = 10.0
"""Limit of processor time in the slow lane, in seconds."""

MAX_WAITING = 100
"""Maximum number of waiting and running jobs of a caller: as many as a connection may have open calls."""

HALVED_AFTER = 60.0
_QUICK_THREADS, _SLOW_THREADS = 2, 1
"""Only a few threads, as all of them share the interpreter lock with the event loop."""

_POLL_INTERVAL = 0.02
_REPEAT_AFTER = 0.1
"""Seconds of processor time after which work that is still running is interrupted again."""
_SHARE = 0.5
"""Seconds of processor time that work gets before it yields to other callers' work."""
_MAX_RESTARTS = 3
_MAX_CALLERS = 1_000

P = ParamSpec("P")
T = TypeVar("T")


class TooCostlyError(DomainError, status=Status.RESOURCE_EXHAUSTED):
    """Reading a sweep file takes too much processor time."""

    def __init__(self) -> None:
        super().__init__(
            f"reading this sweep took more than {SLOW_LIMIT:g} s of processor time and was aborted; use "
            "fewer constraints, conditions or values"
        )


class TooManyWaitingError(DomainError, status=Status.RESOURCE_EXHAUSTED, retry_after=1.0):
    """A caller has too many waiting and running jobs."""

    def __init__(self) -> None:
        super().__init__(
            f"{MAX_WAITING} sweep files of this caller are being read or are queued; try again later"
        )


class _Interrupted(BaseException):
    """Work was interrupted; raised in its thread."""


class _Unraisable:
    """Hook that reports unraisable exceptions, except interruptions: lost interruptions are repeated."""

    def __init__(self, report: Callable[["sys.UnraisableHookArgs"], object]) -> None:
        self._report = report

    def __call__(self, unraisable: "sys.UnraisableHookArgs") -> None:
        if not isinstance(unraisable.exc_value, _Interrupted):
            self._report(unraisable)


@dataclass(slots=True)
class Costs:
    """Processor time that callers have used, decaying by half each minute."""

    _by_caller: dict[str, tuple[float, float]] = field(default_factory=dict)

    def of(self, caller: str, now: float) -> float:
        """Return the processor time that a caller has used, in seconds, decayed until `now`."""
        cost, since = self._by_caller.get(caller, (0.0, now))
        return float(cost * 0.5 ** ((now - since) / HALVED_AFTER))

    def add(self, caller: str, cost: float, now: float) -> None:
        """Add processor time that a caller has used."""
        self._by_caller[caller] = (self.of(caller, now) + cost, now)
        if len(self._by_caller) > _MAX_CALLERS:
            least = min(self._by_caller, key=lambda each: self.of(each, now))
            del self._by_caller[least]


class _Work(Generic[T]):
    """Function that runs in a new thread and can be interrupted.

    `_main` and `_post_outcome` run in the thread, all other methods in the event loop. The thread ends only
    after its outcome has arrived in the event loop, so that its thread id is not reused too early. An
    interruption is lost if it is raised in a destructor or a weak-reference callback, so work that keeps
    running is interrupted again after a while.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._arrived = threading.Event()
        self._thread = 0
        self._interrupted_at: float | None = None
        self.outcome: asyncio.Future[T] = self._loop.create_future()
        self.cost = 0.0

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._main, name="scheduler-language", daemon=True).start()

    def used(self) -> float:
        """Return the processor time used so far, in seconds."""
        if self.outcome.done() or not self._thread:
            return self.cost
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread))

    def interrupt(self) -> None:
        """Interrupt the function if it is running and was not interrupted recently."""
        used = self.used()
        recently = self._interrupted_at is not None and used < self._interrupted_at + _REPEAT_AFTER
        if self._thread and not recently and not self.outcome.done():
            self._interrupted_at = used
            number, error = ctypes.c_ulong(self._thread), ctypes.py_object(_Interrupted)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(number, error)

    def _main(self) -> None:
        try:
            self._thread = threading.get_ident()
            try:
                found = self._function()
            except Exception as error:  # noqa: BLE001 (the caller gets it)
                self._post_outcome(None, error)
            else:
                self._post_outcome(found, None)
            self._arrived.wait()
        except _Interrupted as error:  # the rest takes too little time for a second interruption
            self._post_outcome(None, error)
            self._arrived.wait()

    def _post_outcome(self, found: T | None, error: BaseException | None) -> None:
        cost = time.thread_time()
        with suppress(RuntimeError):  # raised if the event loop is closed
            self._loop.call_soon_threadsafe(self._set_outcome, found, error, cost)
            return
        self._arrived.set()

    def _set_outcome(self, found: T | None, error: BaseException | None, cost: float) -> None:
        self.cost = cost
        if not self.outcome.done():
            if error is not None:
                self.outcome.set_exception(error)
            else:
                self.outcome.set_result(cast("T", found))
        self._arrived.set()


class _Lane:
    """Lane of threads, with at most one running job per caller.

    The next job comes from the caller for which the sum of the processor time used and the time expected for
    its waiting jobs is lowest.
    """

    def __init__(self, threads: int, most: float, costs: Costs) -> None:
        self._places = threads
        self._most = most
        self._costs = costs
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._running: Counter[str] = Counter()
        self._closed = False

    async def do(self, caller: str, function: Callable[[], T]) -> T:
        """Run a function in a thread of the lane and return its result.

        Raises:
            _Interrupted: the function needs too much processor time, or the lane is closed.
        """
        used = 0.0
        while True:
            await self._wait_for_turn(caller)
            work = _Work(function)
            try:
                return await self._run(caller, work)
            except _Interrupted:
                used += work.cost
                if self._closed or work.cost > self._most or used > _MAX_RESTARTS * self._most:
                    raise
            finally:
                self._free(caller)

    def close(self) -> None:
        """Start no more jobs, and interrupt running ones."""
        self._places = 0
        self._closed = True

    async def _wait_for_turn(self, caller: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((caller, turn))
        self._dispatch()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free(caller)
            raise

    async def _run(self, caller: str, work: _Work[T]) -> T:
        work.start()
        try:
            while not (await asyncio.wait([work.outcome], timeout=_POLL_INTERVAL))[0]:
                used = work.used()
                if self._closed or used > self._most or self._should_yield(caller, used):
                    work.interrupt()
            return work.outcome.result()
        except asyncio.CancelledError:  # the call was cancelled
            while not work.outcome.done():
                work.interrupt()  # repeated, as its thread may not have started
                await asyncio.wait([work.outcome], timeout=_POLL_INTERVAL)
            work.outcome.exception()
            raise
        finally:
            self._costs.add(caller, work.cost, time.monotonic())

    def _should_yield(self, caller: str, used: float) -> bool:
        """Return True if running work should yield to a waiting caller that has used much less time."""
        now = time.monotonic()
        cost = self._costs.of(caller, now) + used
        return used > _SHARE and any(
            self._costs.of(other, now) + _SHARE < cost
            for other, turn in self._waiting
            if not turn.done() and other not in self._running
        )

    def _free(self, caller: str) -> None:
        self._running[caller] -= 1
        self._running += Counter()  # drops zero counts
        self._dispatch()

    def _dispatch(self) -> None:
        self._waiting = [each for each in self._waiting if not each[1].done()]
        now = time.monotonic()
        while self._running.total() < self._places:
            free = [each for each in self._waiting if each[0] not in self._running]
            if not free:
                return
            asked = Counter(caller for caller, _ in self._waiting)
            chosen = min(free, key=lambda each: self._costs.of(each[0], now) + QUICK_LIMIT * asked[each[0]])
            self._waiting.remove(chosen)
            self._running[chosen[0]] += 1
            chosen[1].set_result(None)


class SweepFileWorkers:
    """Worker threads for sweep files, shared fairly between callers."""

    def __init__(self) -> None:
        self._costs = Costs()
        self._quick = _Lane(_QUICK_THREADS, QUICK_LIMIT, self._costs)
        self._slow = _Lane(_SLOW_THREADS, SLOW_LIMIT, self._costs)
        self._jobs: Counter[str] = Counter()
        self._loaded = False
        if not isinstance(sys.unraisablehook, _Unraisable):
            sys.unraisablehook = _Unraisable(sys.unraisablehook)

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work`, which must be pure, and return its result.

        Raises:
            TooCostlyError: the work needs too much processor time.
            TooManyWaitingError: the caller has too many waiting and running jobs.
        """
        principal = current_principal()
        caller = principal.token or principal.name
        if self._jobs[caller] >= MAX_WAITING:
            raise TooManyWaitingError
        self._jobs[caller] += 1
        try:
            return await self._do(caller, lambda: work(*args, **kwargs))
        finally:
            self._jobs[caller] -= 1
            self._jobs += Counter()

    async def _do(self, caller: str, work: Callable[[], T]) -> T:
        if not self._loaded:  # imported here, not in the work, as an import must not be interrupted
            await asyncio.to_thread(import_module, "sweepd.spec.loading.yaml_tokens")
            self._loaded = True
        try:
            return await self._quick.do(caller, work)
        except _Interrupted:
            pass
        try:
            return await self._slow.do(caller, work)
        except _Interrupted:
            raise TooCostlyError from None

    def close(self) -> None:
        """Start no more jobs, and interrupt running ones."""
        self._quick.close()
        self._slow.close()
