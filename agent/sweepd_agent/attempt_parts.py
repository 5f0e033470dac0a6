"""Parts of an attempt, made from the state in its folder: feed, and reader of external metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd_agent.core.numbering import Numbering, from_document
from sweepd_agent.files.details import FILE_NAME as DETAILS_FILE
from sweepd_agent.files.details import Details
from sweepd_agent.files.run_files import RunFiles
from sweepd_agent.files.samples import SystemRows
from sweepd_agent.files.spool import Spool
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
    return from_document(stored) if isinstance(stored, dict) else Numbering()


def _cursors(stored: Json) -> dict[v1.Lane.ValueType, int]:
    by_name = stored if isinstance(stored, dict) else {}
    found = {lane: by_name.get(v1.Lane.Name(lane)) for lane in v1.Lane.values()}
    return {lane: cursor for lane, cursor in found.items() if isinstance(cursor, int)}
