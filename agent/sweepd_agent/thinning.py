"""Makes room in a spool that nobody empties: closed segments lose rows, but no observation nor the last row.

Of a thinned segment a few rows are kept in a file of their own, each line with its row number and the step of
the row before. Everything that observations were made of is among them, so reading it again gives the same.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sweepd.metrics_file import closed_segments
from sweepd_agent.core.numbering import Block, Numbering
from sweepd_agent.core.reading import read
from sweepd_agent.core.rows import Line, parse_line

# Of rows that were not observed, each one whose number is divisible by this is kept.
_KEEP_EVERY = 16


def kept_file(path: Path, segment: int) -> Path:
    """Return where the kept rows of a segment of the metrics file at `path` are."""
    return path.with_name(f"thinned.{segment}")


def size(path: Path) -> int:
    """Return the bytes that the metrics file at `path` takes, with all its segments."""
    total = 0
    for file in path.parent.iterdir():
        if file.name.startswith((path.name, "thinned.")):
            try:
                total += file.stat().st_size
            except FileNotFoundError:
                continue
    return total


def next_segment(path: Path, numbering: Numbering) -> tuple[int, Path] | None:
    """Return the oldest segment that can be thinned; None if there is none.

    It was read to its end, and it is not the highest closed one, for the numbers count on from that.
    """
    for segment, file in closed_segments(path)[:-1]:
        if file.stat().st_size == numbering.position(segment):
            return segment, file
    return None


def write_kept(
    path: Path, segment: int, file: Path, numbering: Numbering, watched: Mapping[str, int]
) -> None:
    """Bring the rows that are kept of a segment to disk, into a file of their own."""
    with kept_file(path, segment).open("wb") as kept:
        for block in numbering.blocks:
            if block.segment == segment and not block.thinned:
                kept.writelines(_kept(block, file, watched))
        kept.flush()
        os.fdatasync(kept.fileno())


def read_kept(path: Path, block: Block) -> Iterator[tuple[int, int, Line]]:
    """Yield row number, step of the row before, and line of each kept row of a block."""
    try:
        content = kept_file(path, block.segment).read_bytes()
    except FileNotFoundError:
        return
    for stored in content.split(b"\n")[:-1]:
        number, last_step, raw = stored.split(b" ", 2)
        line = parse_line(raw)
        if block.before.row < int(number) <= block.last_row and line is not None:
            yield int(number), int(last_step), line


def _kept(block: Block, file: Path, watched: Mapping[str, int]) -> Iterator[bytes]:
    with file.open("rb") as segment:
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
