"""Readers of lines, tables and event files, which odd input does not stop."""

from __future__ import annotations

import math
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

from sweepd.metrics_from.event_file import DamagedError, crc32c_masked, event_prefix, events
from sweepd.metrics_from.lines import LinePattern, Row, TooSlowError, number_of
from sweepd.metrics_from.sources import EventFolder, Found, Source, file_source, output_source


def found(source: Source, *, ended: bool = True) -> list[tuple[int | None, dict[str, object]]]:
    return [(each.row.step, dict(each.row.values)) for each in looked(source, ended=ended)]


def looked(source: Source, *, ended: bool = True) -> list[Found]:
    return [each for each in source.look(ended=ended) if each is not None]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("1.0", 1.0), (" 2e-3 ", 0.002), ("95.5%", 95.5), ("inf", math.inf), ("x", None), ("", None)],
)
def test_numbers_are_read_in_common_notations(text: str, number: float | None) -> None:
    assert number_of(text) == number


def test_named_groups_are_keys_and_step_is_the_step() -> None:
    pattern = LinePattern(r"epoch (?P<step>\d+): loss=(?P<loss>\S+)( acc=(?P<acc>\S+))?")
    assert pattern.read("epoch 3: loss=0.5 acc=97%") == Row(values={"loss": 0.5, "acc": 97}, step=3)
    assert pattern.read("epoch 4: loss=oops") is None
    assert pattern.read("something else") is None


def test_a_pattern_with_exponential_time_is_given_up() -> None:
    """Exponential on this line: without a time limit it would never end."""
    pattern = LinePattern(r"(?P<loss>(a+)+)b")
    begun = time.monotonic()
    with pytest.raises(TooSlowError):
        pattern.read("a" * 60)
    assert time.monotonic() - begun < 5


READS = """
import sys, time
from sweepd.metrics_from.lines import LinePattern
pattern, line = LinePattern(r"x*loss=(?P<loss>[0-9.]+)"), "x" * 300 + " loss=0.5"
assert pattern.read(line) is not None
print("reading", flush=True)
begun = time.process_time()
while time.process_time() - begun < 0.06:
    assert pattern.read(line) is not None
"""


@pytest.mark.lengthy
def test_a_pattern_is_not_given_up_when_the_machine_pauses() -> None:
    with subprocess.Popen([sys.executable, "-c", READS], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        while reader.poll() is None:
            reader.send_signal(signal.SIGSTOP)
            time.sleep(0.07)  # longer than a match may take
            reader.send_signal(signal.SIGCONT)
            time.sleep(0.01)  # to be stopped within another match
    assert reader.returncode == 0


def test_output_is_read_line_by_line_and_an_incomplete_line_waits(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"loss=1\nnothing\nloss=0.")
    source = output_source(r"loss=(?P<loss>\S+)", log, 0)
    assert found(source, ended=False) == [(None, {"loss": 1})]
    with log.open("ab") as file:
        file.write(b"5\nbar 10%\rloss=0.4\rloss=0.3\nloss=0.2")
    assert found(source, ended=False) == [(None, {"loss": 0.5}), (None, {"loss": 0.3})]
    assert found(source, ended=True) == [(None, {"loss": 0.2})]
    assert found(source, ended=True) == []


def test_reading_continues_from_a_position(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    table.write_text("step,loss,note\n1,0.5,a\n2,0.25,b\n")
    updates = looked(file_source(table, 0))
    assert [(each.row.step, dict(each.row.values)) for each in updates] == [
        (1, {"loss": 0.5}),
        (2, {"loss": 0.25}),
    ]
    assert found(file_source(table, updates[0].position)) == [(2, {"loss": 0.25})]


def test_a_table_that_is_rewritten_is_read_from_its_new_header(tmp_path: Path) -> None:
    table = tmp_path / "log.tsv"
    table.write_text("step\tloss\n1\t0.5\n")
    source = file_source(table, 0)
    assert found(source) == [(1, {"loss": 0.5})]
    table.write_text("acc\n7\n")
    assert found(source) == [(None, {"acc": 7})]


def test_nested_json_lines_are_read_and_odd_ones_reported_once(tmp_path: Path) -> None:
    lines = tmp_path / "log.jsonl"
    lines.write_text('{"global_step": 5, "loss": {"train": 0.5}}\n[1]\nno json\n\nno json\n{"loss": NaN}\n')
    source = file_source(lines, 0)
    (first, second) = found(source)
    assert first == (5, {"loss": {"train": 0.5}})
    assert second[0] is None
    assert len(source.complaints.taken()) == 2
    assert source.complaints.taken() == []


def test_scalars_of_a_real_writer_are_read(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_scalar("loss", 1 / (step + 1), step * 10)
        writer.add_text("note", "text is no scalar")
        writer.add_histogram("weights", [1.0, 2.0, 3.0], 1)
    with SummaryWriter(str(tmp_path / "val")) as writer:
        writer.add_scalar("loss", math.nan, 7)
        writer.add_scalar("acc", 0.5, -1)
    source = EventFolder(tmp_path, {}, {})
    read = found(source)
    assert [(step, set(values)) for step, values in read] == [
        (0, {"loss"}),
        (10, {"loss"}),
        (20, {"loss"}),
        (7, {"val/loss"}),
        (-1, {"val/acc"}),
    ]
    assert read[1][1]["loss"] == 0.5
    assert isinstance(read[3][1]["val/loss"], float)
    assert math.isnan(read[3][1]["val/loss"])
    assert found(source) == []
    assert source.complaints.taken() == []


@pytest.mark.parametrize(
    ("folder", "prefix"),
    [
        ("", ""),
        ("train", "train/"),
        ("validation/top", "validation/top/"),
        ("fold_1", "fold_1/"),
        ("Dec01_20-15-00_box", ""),
        ("Dec01_20-15-00_box/loss_train", "loss_train/"),
        ("lightning_logs/version_3", ""),
        ("version_0/val", "val/"),
        ("logs/fit/20261201-201500/train", "fit/train/"),
        ("resnet/2026-12-01/20-15-00", "resnet/"),
        ("local/vision/k3x9v2ab-7/eval", "eval/"),
        ("runs/local/vision/k3x9v2ab-7", ""),
        ("eval/cnn-k3x9v2ab-7", "eval/"),
        ("local/other", "local/other/"),
        ("20261201-201500/validation", "validation/"),
        ("2026-12-01/20-15-00", ""),
        ("PPO_1", ""),
        ("run-7/eval", "eval/"),
        ("k3x9v2ab-7", ""),
        ("cnn-k3x9v2ab-7/eval", "eval/"),
        ("lr=0.1,depth=3", ""),
        ("Dec01_20-15-00_box/1764620100.25", ""),
        ("train/version_1", "train/version_1/"),
    ],
)
def test_folders_of_runs_are_not_part_of_keys_and_all_others_are(folder: str, prefix: str) -> None:
    name = f"{folder}/events.out.tfevents.1.box" if folder else "events.out.tfevents.1.box"
    assert event_prefix(name, "local/vision/k3x9v2ab-7") == prefix


def test_files_of_other_runs_are_not_read_and_earlier_files_of_this_run_are(tmp_path: Path) -> None:
    for name in ("ours", "theirs", "shared"):
        with SummaryWriter(str(tmp_path / name)) as writer:
            writer.add_scalar("loss", 1.0, 0)
    asked: list[str] = []

    def is_foreign(file: Path) -> bool:
        asked.append(file.parent.name)
        return file.parent.name != "ours"

    shared = next((tmp_path / "shared").iterdir())
    source = EventFolder(tmp_path, {}, {f"shared/{shared.name}": 0}, is_foreign=is_foreign)
    assert [set(values) for _, values in found(source)] == [{"ours/loss"}, {"shared/loss"}]
    assert found(source) == []
    assert asked == ["ours", "theirs"]


def test_events_are_read_while_they_are_written(tmp_path: Path) -> None:
    writer = SummaryWriter(str(tmp_path))
    source = EventFolder(tmp_path, {}, {})
    seen: list[Found] = []
    for step in range(3):
        writer.add_scalar("loss", float(step), step)
        writer.flush()
        seen += looked(source, ended=False)
    writer.close()
    seen += looked(source)
    assert [each.row.step for each in seen] == [0, 1, 2]
    again = EventFolder(tmp_path, {seen[1].source: seen[1].position}, {})
    assert [each.row.step for each in looked(again)] == [2]


def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_scalar("loss", float(step), step)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[-6] ^= 1
    file.write_bytes(bytes(content))
    source = EventFolder(tmp_path, {}, {})
    assert [step for step, _ in found(source)] == [0, 1]
    (complaint,) = source.complaints.taken()
    assert "is no longer read" in complaint


def test_invalid_bytes_are_not_a_record() -> None:
    with pytest.raises(DamagedError):
        list(events(b"not an event file at all, but long enough", 0))
    assert list(events(b"short", 0)) == []


def test_the_checksum_is_that_of_the_format() -> None:
    """CRC-32C of 32 zeros is 0x8A9136AA (RFC 3720, B.4), masked as event files have it."""
    crc = 0x8A9136AA
    assert crc32c_masked(bytes(32)) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_very_long_record_without_scalars_is_skipped(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", 1.0, 1)
    (file,) = tmp_path.iterdir()
    body = bytes(3 * 2**20)
    length = struct.pack("<Q", len(body))
    long = length + struct.pack("<I", crc32c_masked(length)) + body + bytes(4)
    updates = file.read_bytes()
    file.write_bytes(updates + long + updates)
    assert [step for step, _ in found(EventFolder(tmp_path, {}, {}))] == [1, 1]


def record(body: bytes) -> bytes:
    length = struct.pack("<Q", len(body))
    sums = [struct.pack("<I", crc32c_masked(part)) for part in (length, body)]
    return length + sums[0] + body + sums[1]


def test_a_long_record_is_checked_in_pieces_and_only_if_it_has_scalars() -> None:
    """The checksum is slow, and the reader has other work; images are not even read."""
    picture = Summary.Value(tag="picture", image=Summary.Image(encoded_image_string=bytes(100_000)))
    scalar = Summary.Value(tag="loss", simple_value=0.5)
    alone = Event(step=1, summary=Summary(value=[picture])).SerializeToString()
    both = Event(step=2, summary=Summary(value=[picture, scalar])).SerializeToString()
    read = list(events(record(both), 0))
    assert [each.values if each is not None else None for each in read] == [None] * 6 + [{"loss": 0.5}]
    damaged = bytearray(record(alone) + record(both))
    damaged[50_000] ^= 1
    assert [each.step for each in events(bytes(damaged), 0) if each is not None] == [1, 2]
    damaged[150_000] ^= 1
    with pytest.raises(DamagedError):
        list(events(bytes(damaged), 0))


def test_a_pattern_that_is_slow_on_many_lines_is_also_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is within the time limit of a line; together they would block the agent."""
    monkeypatch.setattr("sweepd.metrics_from.lines.MAX_SLOW_TOTAL", 0.1)
    pattern, line = LinePattern(r"(a+)+b(?P<x>\d)"), "a" * 18
    with pytest.raises(TooSlowError):
        all(pattern.read(line) is None for _ in range(2_000))
    quick = LinePattern(r"loss (?P<loss>[0-9.]+)")
    assert all(quick.read("loss 0.5") is not None for _ in range(10_000))
