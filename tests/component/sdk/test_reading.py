"""The documented reading rules of the metrics file, applied while writers roll its segments."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from component.sdk.programs import start
from sweepd.metrics_file import closed_segments

WRITERS = 3
LINES = 4000


class Reader:
    """Reader that makes the passes described by the rules."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets: dict[int, int] = {}

    def read_pass(self) -> Iterator[bytes]:
        with ExitStack() as files:
            segments = self._segments(files)
            sizes = {number: os.fstat(file.fileno()).st_size for number, file in reversed(segments)}
            for number, file in segments:
                offset = self._offsets.get(number, 0)
                file.seek(offset)
                content = file.read(sizes[number] - offset)
                complete = content[: content.rfind(b"\n") + 1]
                self._offsets[number] = offset + len(complete)
                yield from complete.splitlines()

    def _segments(self, files: ExitStack) -> list[tuple[int, BinaryIO]]:
        while True:
            try:
                opened = files.enter_context(self._path.open("rb"))
            except FileNotFoundError:
                continue
            closed = closed_segments(self._path)
            if not any(os.path.samestat(path.stat(), os.fstat(opened.fileno())) for _, path in closed):
                break
        segments: list[tuple[int, BinaryIO]] = [
            (number, files.enter_context(path.open("rb"))) for number, path in closed
        ]
        return [*segments, (closed[-1][0] + 1 if closed else 1, opened)]


def test_a_reader_that_follows_the_rules_gets_every_line_once_in_the_order_of_its_writer(
    tmp_path: Path,
) -> None:
    writers = []
    for name in range(WRITERS):
        folder = tmp_path / str(name)
        folder.mkdir()
        source = f"""
            import json
            from pathlib import Path

            from sweepd.metrics_file import MetricsFile

            file = MetricsFile(Path("../metrics.jsonl"), segment_bytes=5000)
            for i in range({LINES}):
                file.append(json.dumps({{"writer": {name}, "i": i}}).encode() + b"\\n")
            """
        writers.append(start(source, cwd=folder))
    reader, seen = Reader(tmp_path / "metrics.jsonl"), list[bytes]()
    deadline = time.monotonic() + 60
    while len(seen) < WRITERS * LINES and time.monotonic() < deadline:
        seen.extend(reader.read_pass())
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    assert list(reader.read_pass()) == []

    rows = [json.loads(line) for line in seen if line]
    for name in range(WRITERS):
        assert [row["i"] for row in rows if row["writer"] == name] == list(range(LINES))
    assert len(closed_segments(tmp_path / "metrics.jsonl")) > 20
