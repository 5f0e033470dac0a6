"""Reports of an attempt are repeated to another server."""

import json
from pathlib import Path

from sweepd import v1
from sweepd_agent.core.attempt import AttemptKey
from sweepd_agent.core.numbering import Numbering
from sweepd_agent.files.details import Details
from sweepd_agent.files.run_files import RunFiles
from sweepd_agent.files.spool import Spool, SystemRows
from sweepd_agent.wire.feed import Feed


def complain(sentence: str) -> None:
    raise AssertionError(sentence)


def clock() -> float:
    return 1_000.0


def a_feed(folder: Path) -> Feed:
    file = folder / "metrics.jsonl"
    spool = Spool(file, Numbering(), watched=(), rungs=frozenset(), wall_clock=clock)
    return Feed(
        AttemptKey("acme/mnist/a1", 1),
        spool,
        folder / "log",
        Details(folder / "details.json", complain, clock),
        RunFiles(folder, complain, clock, clock),
        SystemRows(folder, Numbering(), clock),
        clock,
        acked={},
    )


def test_details_acknowledged_by_one_server_are_reported_to_another(tmp_path: Path) -> None:
    (tmp_path / "details.json").write_text(json.dumps({"name": "blue"}))
    feed = a_feed(tmp_path)
    feed.details.look(at_once=True)
    feed.details.open(0)
    report = feed.details.next(v1.AttemptRef())
    assert report is not None
    feed.details.acknowledged(report.details.sequence)
    assert feed.details.delivered

    feed.reset()
    feed.details.open(0)
    again = feed.details.next(v1.AttemptRef())
    assert again is not None
    assert again.details.details == report.details.details
