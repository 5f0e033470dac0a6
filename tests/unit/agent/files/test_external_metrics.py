"""External metrics are read in short steps, and wait while the disk is full."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from tensorboardX import SummaryWriter

from sweepd_agent.core.attempt import MetricsFrom
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.external_metrics import ExternalMetrics


def reader_of(path: Path, wanted: MetricsFrom, *, complaints: list[str] | None = None) -> ExternalMetrics:
    """Return a reader of a folder whose clock advances by a millisecond at each reading."""
    clock = itertools.count()
    reported = complaints if complaints is not None else []
    reading = ExternalMetrics(wanted, AttemptFolder(path), reported.append, lambda: next(clock) / 1000)
    reading.before_start({})
    return reading


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def test_reading_yields_to_other_work_after_ten_milliseconds(tmp_path: Path) -> None:
    reading = reader_of(tmp_path, MetricsFrom(tensorboard=str(tmp_path / "events"), stdout="(?P<a>[0-9]+)"))
    (tmp_path / "output.log").write_text("x\n" * 500 + "7\n")
    with SummaryWriter(str(tmp_path / "events")) as writer:
        for step in range(500):
            writer.add_scalar("loss", float(step), step)
    slices = 0
    while (wait := reading.look(ended=True)) is not None:
        assert wait == 0
        slices += 1
    assert 90 < slices < 110, "each takes ten milliseconds"
    reading.close()
    assert [line.get("loss", line.get("a")) for line in lines(tmp_path)] == [7, *range(500)]


def test_a_read_begun_before_the_script_ended_does_not_miss_its_last_lines(tmp_path: Path) -> None:
    reading = reader_of(tmp_path, MetricsFrom(file=str(tmp_path / "log.jsonl")))
    (tmp_path / "log.jsonl").write_text('{"loss": 1}\n' * 50)
    assert reading.look() == 0
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"loss": 2}')
    while reading.look(ended=True) is not None:
        pass
    reading.close()
    assert [line["loss"] for line in lines(tmp_path)] == [1] * 50 + [2]


def test_rows_that_cannot_be_written_wait_for_the_disk_even_at_the_end(tmp_path: Path) -> None:
    complaints: list[str] = []
    reading = reader_of(tmp_path, MetricsFrom(file=str(tmp_path / "log.jsonl")), complaints=complaints)
    (tmp_path / "log.jsonl").write_text('{"loss": 1}\n')
    (tmp_path / "metrics.jsonl").mkdir()  # stands for a full disk: nothing can be written there
    assert reading.look(ended=True) == 1.0
    assert "cannot write the metrics of `metrics_from`" in complaints[0]
    (tmp_path / "metrics.jsonl").rmdir()
    assert reading.look(ended=True) is None
    reading.close()
    assert [line["loss"] for line in lines(tmp_path)] == [1]


def test_deeply_nested_values_are_read_without_a_failure(tmp_path: Path) -> None:
    complaints: list[str] = []
    reading = reader_of(tmp_path, MetricsFrom(file=str(tmp_path / "log.jsonl")), complaints=complaints)
    deep = ['{"a":' * depth + "1" + "}" * depth for depth in range(500, 1_100, 7)]
    (tmp_path / "log.jsonl").write_text("\n".join([*deep, '{"loss": 1}']))
    while reading.look(ended=True) is not None:
        pass
    reading.close()
    assert lines(tmp_path)[-1]["loss"] == 1
