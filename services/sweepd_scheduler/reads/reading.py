"""Threads for reads of the database and work on what they find, so that the event loop stays free."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.reads.sweep_file_workers import SweepFileWorkers
from sweepd_scheduler.store.ports import Records

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 2


class Reading:
    """The records, and the threads that read them."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="scheduler-reader")
        # Apart, as work on many runs may take seconds, for which no read should wait.
        self.language = SweepFileWorkers()
        self._workers = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="scheduler-language")

    async def __call__(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `read` returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: read(*args, **kwargs))

    async def sweep(self, name: SweepName) -> Sweep:
        """Return a sweep.

        Raises:
            NotFoundError: there is none of this name.
        """
        sweep = await self(self.records.sweep, name)
        if sweep is None:
            raise NotFoundError(str(name))
        return sweep

    async def work(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work`, which reads nothing, returns."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()
        self._workers.shutdown(cancel_futures=True)
        self.language.close()
