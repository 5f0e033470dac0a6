"""Makes room in a spool that nobody empties: closed segments lose rows, but no observation nor the last row.

Of a thinned segment a few rows are kept in a file of their own, each line with its row number and the step of
the row before. Everything that observations were made of is among them, so reading it again gives the same.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sweepd.metrics_file import MAX_LINE_BYTES, closed_segments
from sweepd.regular_files import IrregularFileError, open_inside, write_inside
from sweepd_agent.core.numbering import Block, Numbering
from sweepd_agent.core.reading import read
from sweepd_agent.core.rows import Line, parse_line

# Of rows that were not observed, each one whose number is divisible by this is kept.
_KEEP_EVERY = 16
# A line with its number and a step before it.
_LONGEST = MAX_LINE_BYTES + 64


def kept_file(path: Path, segment: int) -> Path:
    """Return where the kept rows of a segment of the metrics file at `path` are."""
    return path.with_name(f"thinned.{segment}")


def size(path: Path) -> int:
    """Return the bytes that the metrics file at `path` takes, with all its segments."""
    total = 0
    for file in path.parent.iterdir():
        if file.name.startswith((path.name, "thinned.")):
            try:
                total += file.lstat().st_size
            except FileNotFoundError:
                continue
    return total


def next_segment(path: Path, numbering: Numbering) -> tuple[int, Path] | None:
    """Return the oldest segment that can be thinned; None if there is none.

    It was read to its end, and it is not the highest closed one, for the numbers count on from that.
    """
    for segment, file in closed_segments(path)[:-1]:
        if file.lstat().st_size == numbering.position(segment):
            return segment, file
    return None


def write_kept(
    path: Path, segment: int, file: Path, numbering: Numbering, watched: Mapping[str, int]
) -> None:
    """Bring the rows that are kept of a segment to disk, into a file of their own."""
    kept = (
        line
        for block in numbering.blocks
        if block.segment == segment and not block.thinned
        for line in _kept(block, file, watched)
    )
    target = kept_file(path, segment)
    write_inside(target.parent, target.name, b"".join(kept), sync=True)


def read_kept(path: Path, block: Block) -> Iterator[tuple[int, int, Line]]:
    """Yield row number, step of the row before, and line of each kept row of a block."""
    try:
        descriptor = open_inside(path.parent, kept_file(path, block.segment).name)
    except (FileNotFoundError, IrregularFileError):
        return
    with os.fdopen(descriptor, "rb") as file:
        while (stored := file.readline(_LONGEST)).endswith(b"\n"):
            number, last_step, raw = stored[:-1].split(b" ", 2)
            line = parse_line(raw)
            if block.before.row < int(number) <= block.last_row and line is not None:
                yield int(number), int(last_step), line


def _kept(block: Block, file: Path, watched: Mapping[str, int]) -> Iterator[bytes]:
    with os.fdopen(open_inside(file.parent, file.name), "rb") as segment:
        segment.seek(block.start)
        content = segment.read(block.end - block.start)
    progress = block.before
    for raw in content.split(b"\n"):
        line = parse_line(raw)
        if line is None:
            continue
        step = read(progress, line, watched, now=block.time)
        matters = line.open or step.observations or not watched.keys().isdisjoint(line.values)
        if matters or step.row.number % _KEEP_EVERY == 0:
            yield b"%d %d %s\n" % (step.row.number, progress.last_step, raw)
        progress = step.progress
