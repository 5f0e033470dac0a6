"""Storage of an attempt's rows and cursors: numbered as read, on disk before they are sent, thinned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd_agent.core.attempt import Json
from sweepd_agent.core.numbering import Numbering, document, from_document
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.details import FILE_NAME as DETAILS_FILE
from sweepd_agent.files.details import Details
from sweepd_agent.files.run_files import RunFiles
from sweepd_agent.files.spool import Spool, SystemRows, next_segment, spool_size, write_kept
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire.feed import Feed

if TYPE_CHECKING:
    from sweepd_agent.core.attempt import Assignment, Json
    from sweepd_agent.files.attempt_folder import AttemptFolder
    from sweepd_agent.files.external_metrics import ExternalMetrics
    from sweepd_agent.surroundings import Surroundings

Complain = Callable[[str, str], None]
"""Says once what is wrong: a topic, and a sentence."""


def feed_of(
    assignment: Assignment,
    folder: AttemptFolder,
    stored: Mapping[str, Json],
    around: Surroundings,
    complain: Complain,
) -> Feed:
    """Return the feed of an attempt, where an earlier agent stood with it if there was one."""
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
    """Return the cursors of a feed as its folder keeps them."""
    return {v1.Lane.Name(lane): cursor for lane, cursor in feed.acked.items()}


def external_metrics_of(
    assignment: Assignment, folder: AttemptFolder, around: Surroundings, complain: Complain
) -> ExternalMetrics | None:
    """Return what reads metrics that the script does not log itself; None where nothing is to be read."""
    if assignment.metrics_from is None:
        return None
    from sweepd_agent.files.external_metrics import ExternalMetrics  # what few runs need is loaded for them

    return ExternalMetrics(
        assignment.metrics_from,
        folder,
        partial(complain, "elsewhere"),
        around.monotonic,
        run=assignment.key.run,
    )


def _numbering(stored: Json) -> Numbering:
    try:
        return from_document(stored) if isinstance(stored, dict) else Numbering()
    except ValueError:  # a script may write there; without a numbering, its rows are read from the beginning
        return Numbering()


def _cursors(stored: Json) -> dict[v1.Lane.ValueType, int]:
    by_name = stored if isinstance(stored, dict) else {}
    found = {lane: by_name.get(v1.Lane.Name(lane)) for lane in v1.Lane.values()}
    return {lane: cursor for lane, cursor in found.items() if isinstance(cursor, int)}


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
        """Bring row numbers and cursors to disk; while it refuses, rows wait, and the trial continues."""
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
            self._complain("malformed", f"{where} are not JSON objects and were left out")

    async def thin(self) -> None:
        """Make room while the spool is over its limit, if the disk permits it."""
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
        while spool_size(path) > self._around.spool_limit:
            found = next_segment(path, self._spool.numbering)
            if found is None:
                return
            segment, file = found
            numbering = self._spool.numbering
            if not numbering.is_thinned(segment):
                await self._on_disk(write_kept, path, segment, file, numbering, self._spool.watched)
                self._spool.thinned(segment)
                await self.save()  # before the rows go: whoever reads on must know where to look
            file.unlink()
            self._complain("thinned", f"the spool is full; rows were thinned in {self._folder.path}")

    def _on_disk(self, write: Callable[..., None], *arguments: object) -> Awaitable[None]:
        return asyncio.get_running_loop().run_in_executor(self._around.disk, write, *arguments)
