"""Upkeep of the state folder: removal of dropped attempts, disk space monitor and disk threads."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from sweepd_agent.attempt import Attempt
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.surroundings import Surroundings

_LOOK_EVERY = 5.0
# Seconds to wait for pending writes when an agent ends; later writes are aborted, as by a kill.
_LAST_SECONDS = 5.0


class Upkeep:
    """Removal of dropped attempts' folders, and monitor of free disk space."""

    def __init__(self, around: Surroundings, *, min_free: int, keep: float) -> None:
        self._around = around
        # Bytes that must be free to start another run.
        self._min_free = min_free
        # Seconds for which the folder of a delivered attempt is kept.
        self._keep = keep

    async def discard(self, attempt: Attempt) -> None:
        """Close a dropped attempt, and remove its folder `keep` seconds later."""
        await attempt.close()
        self._around.folder.drop_empty_checkpoints(attempt.assignment)
        if self._keep > 0:
            with contextlib.suppress(OSError):  # on a full disk, the folder is not kept
                attempt.folder.mark_delivered(self._around.wall_clock())
            self.remove_later(attempt.folder)
        else:
            await self._remove(attempt.folder)

    def remove_later(self, folder: AttemptFolder) -> None:
        """Remove the folder of a delivered attempt `keep` seconds after its delivery."""
        delivered = folder.delivered_at() or 0.0
        left = max(0.0, delivered + self._keep - self._around.wall_clock())
        asyncio.get_running_loop().call_later(left, self._remove, folder)

    def _remove(self, folder: AttemptFolder) -> "asyncio.Future[None]":
        """Remove a folder in the background, as large run files may take seconds."""
        return asyncio.get_running_loop().run_in_executor(self._around.disk, folder.remove)

    async def watch_disk(self, report: Callable[[bool], None]) -> None:
        """Report at intervals whether disk space suffices for another run; log when it no longer does."""
        enough = True
        while True:
            free = self._around.folder.free_bytes()
            if enough and free < self._min_free:
                message = (
                    f"only {free // 2**20} MiB of disk space is free for run folders: taking no new runs"
                )
                self._around.log.event("notice", None, {"message": message})
            enough = free >= self._min_free
            report(enough)
            await asyncio.sleep(_LOOK_EVERY)


@contextmanager
def disk_threads(count: int) -> Iterator[Executor]:
    """Yield an executor for disk access; on exit, wait for it only briefly, as a disk may hang."""
    threads = ThreadPoolExecutor(count, thread_name_prefix="disk")
    try:
        yield threads
    finally:
        ending = threading.Thread(target=threads.shutdown, daemon=True)
        ending.start()
        ending.join(_LAST_SECONDS)
