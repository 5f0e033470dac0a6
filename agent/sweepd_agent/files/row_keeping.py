"""Storage of an attempt's rows and cursors: reads, numbers, saves and thins rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd_agent.core.attempt import Assignment, Json
from sweepd_agent.core.numbering import Numbering, document, from_document
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.details import FILE_NAME as DETAILS_FILE
from sweepd_agent.files.details import Details
from sweepd_agent.files.run_files import RunFiles
from sweepd_agent.files.spool import Spool, SystemRows, next_segment, spool_size, write_kept
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire.feed import Feed

if TYPE_CHECKING:
    from sweepd_agent.files.external_metrics import ExternalMetrics

Complain = Callable[[str, str], None]
"""Logs a problem once; arguments: topic and message."""


def feed_of(
    assignment: Assignment,
    folder: AttemptFolder,
    stored: Mapping[str, Json],
    around: Surroundings,
    complain: Complain,
) -> Feed:
    """Return the feed of an attempt, at the cursors that an earlier agent stored, if any."""
    spool = Spool(
        folder.metrics_file,
        _numbering(stored.get("numbering")),
        watched=assignment.watched_keys,
        rungs=assignment.rungs,
        wall_clock=around.wall_clock,
        begins=folder.begins(),
    )
    return Feed(
        assignment.key,
        spool,
        folder.log_file,
        Details(folder.path / DETAILS_FILE, partial(complain, "details"), around.monotonic),
        RunFiles(folder.path, partial(complain, "files"), around.monotonic, around.wall_clock),
        SystemRows(folder.path, _numbering(stored.get("sample_numbering")), around.wall_clock),
        around.monotonic,
        acked=_cursors(stored.get("cursors")),
        exit_acked=stored.get("exit_acked") is True,
    )


def stored_cursors(feed: Feed) -> dict[str, Json]:
    """Return the cursors of a feed in their stored form, by lane name."""
    return {v1.Lane.Name(lane): cursor for lane, cursor in feed.acked.items()}


def external_metrics_of(
    assignment: Assignment, folder: AttemptFolder, around: Surroundings, complain: Complain
) -> ExternalMetrics | None:
    """Return the reader of metrics that the script does not log itself; None if there are no sources."""
    if assignment.metrics_from is None:
        return None
    # Imported here, as few runs need it.
    from sweepd_agent.files.external_metrics import ExternalMetrics

    return ExternalMetrics(
        assignment.metrics_from,
        folder,
        partial(complain, "external metrics"),
        around.monotonic,
        run=assignment.key.run,
    )


def _numbering(stored: Json) -> Numbering:
    try:
        return from_document(stored) if isinstance(stored, dict) else Numbering()
    except ValueError:  # a script may have overwritten the file; rows are read from the beginning
        return Numbering()


def _cursors(stored: Json) -> dict[v1.Lane.ValueType, int]:
    by_name = stored if isinstance(stored, dict) else {}
    found = {lane: by_name.get(v1.Lane.Name(lane)) for lane in v1.Lane.values()}
    return {lane: cursor for lane, cursor in found.items() if isinstance(cursor, int) and 0 <= cursor < 2**63}


# Failed reads after the end of the process before reading is given up; seconds between such reads.
_READ_TRIES = 10
_READ_AGAIN = 0.5
_WRITE_AGAIN = 1.0


class RowKeeping:
    """Reader and writer of an attempt's rows; waits for disk writes without blocking other attempts.

    Args:
        saved: called when row numbers are on disk, before the rows are sent.
        complain: logs a problem once.
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
        """True if the numbers of some rows are not on disk yet."""
        return bool(self._spool.fresh or self._feed.system.spool.fresh)

    async def read(self) -> bool | None:
        """Read some rows; return True if there are more, None if they cannot be read now.

        Only one attempt reads at a time, so that the stream waits for one read at most.
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
        """Read the rest after the end of the process; give up after `_READ_TRIES` failed reads."""
        left = _READ_TRIES
        while left and (more := await self.read()) is not False:
            if more is None:
                left = left - 1 if self._folder.path.exists() else 0
            await asyncio.sleep(0.0 if more else _READ_AGAIN)  # yields to other tasks

    async def save(self) -> None:
        """Write row numbers and cursors to disk; retry until this succeeds or the folder is removed."""
        while True:
            try:
                await self._save_now()
            except OSError as error:
                if not self._folder.path.exists():  # nothing can be stored there any more, so do not retry
                    self._complain("removed", f"{self._folder.path} was removed while its run was live")
                    self._spool.saved(self._spool.numbering)
                    self._saved()
                    return
                # Logged once for all attempts, which share the disk.
                why = (
                    f"cannot write in {self._folder.path}: {error.strerror or error}; rows are sent once it "
                    "is writable"
                )
                self._around.log.once("disk", why, self._feed.key)
                await asyncio.sleep(_WRITE_AGAIN)
            else:
                break
        malformed = self._spool.numbering.malformed
        if malformed:
            where = f"{malformed} lines of {self._folder.metrics_file}"
            self._complain("malformed", f"{where} are not JSON objects and were skipped")

    async def thin(self) -> None:
        """Thin segments while the spool exceeds its limit; log the problem if the disk fails."""
        try:
            await self._thin_segments()
        except OSError as error:
            self._complain(
                "thin",
                f"cannot downsample the spooled rows in {self._folder.path}: {error.strerror or error}",
            )

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
        while spool_size(path) > self._around.spool_limit:
            found = next_segment(path, self._spool.numbering)
            if found is None:
                return
            segment, file = found
            numbering = self._spool.numbering
            if not numbering.is_thinned(segment):
                await self._on_disk(write_kept, path, segment, file, numbering, self._spool.watched)
                self._spool.thinned(segment)
                # Saved before the segment is deleted, so that later reads use its kept rows.
                await self.save()
            file.unlink()
            self._complain("thinned", f"the spool is full; rows were downsampled in {self._folder.path}")

    def _on_disk(self, write: Callable[..., None], *arguments: object) -> Awaitable[None]:
        return asyncio.get_running_loop().run_in_executor(self._around.disk, write, *arguments)
