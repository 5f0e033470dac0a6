"""Storage of the rows of an attempt: numbered as they are read, on disk before they are sent, thinned."""

import asyncio
from collections.abc import Awaitable, Callable

from sweepd_agent.attempt_parts import Complain, stored_cursors
from sweepd_agent.core.attempt import Json
from sweepd_agent.core.numbering import document
from sweepd_agent.files import thinning
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire.feed import Feed

# Rows that cannot be read when their process has ended are tried again so often, so many seconds apart.
_READ_TRIES = 10
_READ_AGAIN = 0.5
_WRITE_AGAIN = 1.0


class RowKeeping:
    """Waits for the disk without holding anything else up.

    Args:
        saved: called when row numbers are on disk, before the rows go out.
        complain: says once what is wrong.
    """

    def __init__(
        self,
        folder: AttemptFolder,
        feed: Feed,
        around: Surroundings,
        complain: Complain,
        saved: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._feed = feed
        self._spool = feed.spool
        self._around = around
        self._complain = complain
        self._saved = saved

    @property
    def unsaved(self) -> bool:
        """True if rows were read whose numbers are not on disk."""
        return bool(self._spool.fresh or self._feed.system.spool.fresh)

    async def read(self) -> bool | None:
        """Read some rows; return whether there are more, None if they cannot be read at the moment.

        Of all attempts, one reads at a time, so that the stream waits for one of them at most.
        """
        async with self._around.reading:
            try:
                more = self._spool.poll()
            except OSError as error:
                where = f"cannot read {self._folder.metrics_file}"
                self._complain("unread", f"{where}: {error.strerror or error}")
                return None
        if self._spool.complaint:
            self._complain("irregular", self._spool.complaint)
        return more

    async def read_rest(self) -> None:
        """Read what is left after the end; what cannot be read for long is given up."""
        left = _READ_TRIES
        while left and (more := await self.read()) is not False:
            if more is None:
                left = left - 1 if self._folder.path.exists() else 0
            await asyncio.sleep(0.0 if more else _READ_AGAIN)  # others have their turn in between

    async def save(self) -> None:
        """Bring row numbers and cursors to disk; while it refuses, rows wait, and the trial goes on."""
        while True:
            try:
                await self._save_now()
            except OSError as error:
                if not self._folder.path.exists():  # nothing is safe there any more, so nothing waits for it
                    self._complain("removed", f"{self._folder.path} was removed while its run went on")
                    self._spool.saved(self._spool.numbering)
                    self._saved()
                    return
                # Once for all attempts: it is the same disk.
                why = f"cannot write in {self._folder.path}: {error.strerror or error}; its rows wait there"
                self._around.log.once("disk", why, self._feed.key)
                await asyncio.sleep(_WRITE_AGAIN)
            else:
                break
        malformed = self._spool.numbering.malformed
        if malformed:
            where = f"{malformed} lines of {self._folder.metrics_file}"
            self._complain("malformed", f"{where} are no JSON objects and were left out")

    async def thin(self) -> None:
        """Make room while the spool is over its limit, if the disk lets us."""
        try:
            await self._thin_segments()
        except OSError as error:
            self._complain("thin", f"cannot thin the spool in {self._folder.path}: {error.strerror or error}")

    async def _save_now(self) -> None:
        numbering, of_samples = self._spool.numbering, self._feed.system.spool.numbering
        stored: dict[str, Json] = {
            "numbering": document(numbering),
            "sample_numbering": document(of_samples),
            "cursors": stored_cursors(self._feed),
            "exit_acked": self._feed.exit_acked,
        }
        synced = [self._folder.metrics_file] if self._spool.fresh else []
        synced += [self._feed.system.file] if self._feed.system.spool.fresh else []
        await self._on_disk(self._folder.save_cursors, stored, *synced)
        self._spool.saved(numbering)
        self._feed.system.spool.saved(of_samples)
        self._saved()

    async def _thin_segments(self) -> None:
        path = self._folder.metrics_file
        while thinning.size(path) > self._around.spool_limit:
            found = thinning.next_segment(path, self._spool.numbering)
            if found is None:
                return
            segment, file = found
            numbering = self._spool.numbering
            if not numbering.is_thinned(segment):
                await self._on_disk(thinning.write_kept, path, segment, file, numbering, self._spool.watched)
                self._spool.thinned(segment)
                await self.save()  # before the rows go: whoever reads on must know where to look
            file.unlink()
            self._complain("thinned", f"the spool is full; rows were thinned in {self._folder.path}")

    def _on_disk(self, write: Callable[..., None], *arguments: object) -> Awaitable[None]:
        return asyncio.get_running_loop().run_in_executor(self._around.disk, write, *arguments)
