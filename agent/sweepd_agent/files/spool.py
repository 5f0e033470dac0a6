"""Spool of an attempt's rows: numbers the lines of the metrics file, and returns them as rows to send.

A row may be sent once its number is durable: `poll` numbers rows, and the owner writes the numbering to
disk and then calls `saved`. Recent rows are kept in memory; older rows are read again from disk.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice, repeat, takewhile
from pathlib import Path

from sweepd.metrics_file import MAX_LINE_BYTES, STEP, TIME, closed_segments
from sweepd.regular_files import IrregularFileError, open_inside, write_inside
from sweepd_agent.core.numbering import BLOCK_BYTES, Begin, Block, Numbering
from sweepd_agent.core.rows import (
    MALFORMED,
    Line,
    Observation,
    Progress,
    Read,
    Row,
    completed,
    parse_line,
    read,
)
from sweepd_agent.files.tail import Found, Tail, read_block

_KEPT_ROWS = 2_000
_SYSTEM_FILE = "system.jsonl"
_KEPT_SAMPLES = 60
_KEPT_OBSERVATIONS = 20_000
ROWS_AT_ONCE = 500
"""Number of rows that are sent without waiting for the flush interval; also the maximum per message."""
# Number of rows without a step after which a later attempt is assumed to replace no rows: if only child
# processes log, no row has a step.
_MAX_WITHOUT_STEP = 20
_BEYOND_ALL = 2**63


class Spool:
    """Reader of the metrics file at `path` that resumes where `numbering` ends.

    Args:
        begins: starts of the attempts in the file, if it also holds earlier attempts; the last is this
            attempt. Nothing is sent until it is known which earlier rows this attempt replaces: until one
            of its rows has a step, many rows have none, or the attempt has ended.
    """

    def __init__(
        self,
        path: Path,
        numbering: Numbering,
        *,
        watched: tuple[str, ...],
        rungs: frozenset[int],
        wall_clock: Callable[[], float],
        begins: tuple[Begin, ...] = (),
        kept_rows: int = _KEPT_ROWS,
    ) -> None:
        self.numbering = numbering
        self._path = path
        self.watched = {key: index for index, key in enumerate(watched)}  # index by name
        self._rungs = rungs
        self._wall_clock = wall_clock
        segments = {block.segment for block in numbering.blocks}
        self._tail = Tail(path, {segment: numbering.position(segment) for segment in segments})
        known = {part.attempt for part in numbering.parts}
        self._begins = deque(each for each in begins if each.attempt not in known)
        self._attempt = begins[-1].attempt if begins else None
        self._ended = False
        self._held = self._lacks_first_step(numbering)
        self._durable = numbering.progress
        self._rows: deque[Row] = deque(maxlen=kept_rows)
        self._observations: deque[Observation] = deque()
        # Observations of rows after this row are in memory.
        self._observed_from = numbering.progress.settled
        self._urgent = False

    @property
    def last_row(self) -> int:
        """Number of the last row that may be sent."""
        return 0 if self._held else self._durable.row

    @property
    def settled(self) -> int:
        """Row up to which all observations are complete and may be sent."""
        return self._durable.settled

    @property
    def fresh(self) -> int:
        """Number of rows that were read but whose numbers are not on disk yet."""
        return self.numbering.progress.row - self._durable.row

    @property
    def urgent(self) -> bool:
        """True if rows should be sent at once, such as the first row, a row at a rung, or many rows."""
        return self._urgent or self.fresh >= ROWS_AT_ONCE

    def poll(self) -> bool:
        """Read new lines; return True if there are more to read."""
        found = deque(self._tail.look())
        while found:
            self._number(found)
        return self._tail.more

    def finish(self) -> None:
        """Complete the last step and close the file, as the process has ended. Call after a last `poll`."""
        observations, progress = completed(self.numbering.progress)
        self._observations += observations
        self.numbering = self.numbering.at(progress)
        self._ended = True
        self._tail.close()

    def thinned(self, segment: int) -> None:
        """Mark a segment as thinned: only its kept rows are left."""
        self.numbering = self.numbering.thinned(segment)

    @property
    def complaint(self) -> str:
        """Reason why a part of the file is never read; empty if all of the file is read."""
        return self._tail.complaint

    def close(self) -> None:
        """Close the descriptors."""
        self._tail.close()

    def saved(self, numbering: Numbering) -> None:
        """Record that `numbering` is on disk."""
        self._durable = numbering.progress
        self._held = self._lacks_first_step(numbering)
        if self._durable == self.numbering.progress:
            self._urgent = False

    def rows(self, after: int) -> list[Row]:
        """Return sendable rows after row `after`, at most ROWS_AT_ONCE; thinned rows are missing.

        Rows that a later attempt in the same file has replaced have no values.
        """
        found = self._rows_beyond(after)
        if not self.numbering.parts:
            return found
        return [replace(row, values={}) if self.numbering.is_replaced(row) else row for row in found]

    def _rows_beyond(self, after: int) -> list[Row]:
        if self._rows and self._rows[0].number <= after + 1:
            first = after + 1 - self._rows[0].number
            return list(islice(self._rows, first, first + min(ROWS_AT_ONCE, max(0, self.last_row - after))))
        again = (row for row, _ in self._read_again(after) if row is not None and row.number > after)
        return list(islice(takewhile(lambda row: row.number <= self.last_row, again), ROWS_AT_ONCE))

    def observations(self, after: int) -> tuple[list[Observation], int]:
        """Return observations of rows after `after`, and the last row whose observations are all returned."""
        upto = self.settled
        if after >= self._observed_from:
            while self._observations and self._observations[0].row <= after:
                self._observations.popleft()
            self._observed_from = after
            found = [item for item in islice(self._observations, ROWS_AT_ONCE) if item.row <= upto]
        else:
            found = []
            for row, observations in self._read_again(after):
                found += [item for item in observations if after < item.row <= upto]
                if len(found) >= ROWS_AT_ONCE or (row is not None and row.number > upto):
                    break
        if len(found) >= ROWS_AT_ONCE:
            # Return all observations of a row or none: the last row may have more than fit here.
            upto = found[-1].row - 1 if found[-1].row > found[0].row else found[-1].row
            found = [item for item in found if item.row <= upto]
        return found, max(upto, after)

    def _number(self, found: deque[Found]) -> None:
        """Remove contiguous lines from the front of `found`, and number them as one block."""
        first = found[0]
        before = progress = self.numbering.progress
        end = first.start
        now = self._wall_clock()
        keys: set[str] = set()
        malformed, first_step = 0, None
        while found and (found[0].segment, found[0].start) == (first.segment, end):
            if end - first.start >= BLOCK_BYTES:
                break
            item = found.popleft()
            end = item.end
            if item.line is not None:
                malformed += item.line.malformed
                keys.update(item.line.values)
                first_step = item.line.step if first_step is None else first_step
                if self._attempt is not None:
                    self._record_part(item, progress.row)
                progress = self._add(read(progress, item.line, self.watched, now=now), progress)
        block = Block(
            segment=first.segment,
            start=first.start,
            end=end,
            before=before,
            rows=progress.row - before.row,
            time=now,
        )
        numbering = self.numbering.extended(block, progress).counted(malformed, keys)
        self.numbering = numbering.begun_at(first_step)

    def _lacks_first_step(self, numbering: Numbering) -> bool:
        """Return True if it is not known yet which rows this attempt replaces."""
        return self._attempt is not None and not self._ended and not numbering.has_first_step(self._attempt)

    def _record_part(self, item: Found, row: int) -> None:
        """Record the start and first step of a later attempt, if they are in the line after row `row`."""
        while self._begins and (item.segment, item.start) >= (
            self._begins[0].segment,
            self._begins[0].offset,
        ):
            self.numbering = self.numbering.part_begun(self._begins.popleft().attempt, row)
        if not self.numbering.open_part or item.line is None:
            return
        step = item.line.step
        if step is None and row - self.numbering.parts[-1].after >= _MAX_WITHOUT_STEP:
            step = _BEYOND_ALL
        if step is not None:
            self.numbering = self.numbering.part_begun_at(step)
            self._urgent = True

    def _add(self, read: Read, before: Progress) -> Progress:
        """Keep the row and the observations of a line for sending; check whether they are urgent."""
        after = read.progress
        self._rows.append(read.row)
        self._observations += read.observations
        if len(self._observations) > _KEPT_OBSERVATIONS:
            self._observed_from = self._observations[-1].row
            self._observations.clear()
        closed = range(before.iterations + 1, after.iterations + 1)
        self._urgent |= after.row == 1 or not self._rungs.isdisjoint(closed)
        return after

    def _read_again(self, after: int) -> Iterator[tuple[Row | None, tuple[Observation, ...]]]:
        """Yield rows, starting at or before row `after + 1`, each with the observations that it completed."""
        progress = Progress()
        for block in self.numbering.after(after):
            progress = block.before
            for number, last_step, line in self._lines(block):
                if number is not None:
                    progress = replace(progress, row=number - 1, last_step=last_step)
                step = read(progress, line, self.watched, now=block.time)
                progress = step.progress
                yield step.row, step.observations
        if progress.waiting and not self.numbering.progress.waiting:
            yield None, completed(progress)[0]

    def _lines(self, block: Block) -> Iterator[tuple[int | None, int, Line]]:
        """Yield the lines of a block, with row number and preceding step if the block is thinned."""
        if block.thinned:
            yield from read_kept(self._path, block)
            return
        closed = self._path.with_name(f"{self._path.name}.{block.segment}")
        lines = [] if closed.exists() else list(read_block(self._path, block.start, block.end))
        if closed.exists():  # checked again: it may have been closed between the first check and the read
            lines = list(read_block(closed, block.start, block.end))
        # Lines lost on disk count as malformed, so that later rows keep their numbers.
        for line in islice(chain(lines, repeat(MALFORMED)), block.rows):
            yield None, 0, line


# Rows without watched values are kept if their number is divisible by this.
_KEEP_EVERY = 16
# Maximum bytes of a line with its row number and the step before.
_LONGEST = MAX_LINE_BYTES + 64


def kept_file(path: Path, segment: int) -> Path:
    """Return the file with the kept rows of a segment of the metrics file at `path`."""
    return path.with_name(f"thinned.{segment}")


def spool_size(path: Path) -> int:
    """Return the bytes of the metrics file at `path`, including all segments and kept rows."""
    total = 0
    for file in path.parent.iterdir():
        if file.name.startswith((path.name, "thinned.")):
            try:
                total += file.lstat().st_size
            except FileNotFoundError:
                continue
    return total


def next_segment(path: Path, numbering: Numbering) -> tuple[int, Path] | None:
    """Return the oldest segment that can be thinned; None if there is no such segment.

    A segment can be thinned once it has been read to its end, unless it is the highest closed segment, from
    which segment numbers continue.
    """
    for segment, file in closed_segments(path)[:-1]:
        if file.lstat().st_size == numbering.position(segment):
            return segment, file
    return None


def write_kept(
    path: Path, segment: int, file: Path, numbering: Numbering, watched: Mapping[str, int]
) -> None:
    """Write the kept rows of a segment to a separate file, and sync the file."""
    kept = (
        line
        for block in numbering.blocks
        if block.segment == segment and not block.thinned
        for line in _kept(block, file, watched)
    )
    target = kept_file(path, segment)
    write_inside(target.parent, target.name, b"".join(kept), sync=True)


def read_kept(path: Path, block: Block) -> Iterator[tuple[int, int, Line]]:
    """Yield the row number, the step before and the line of each kept row of a block."""
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


class SystemRows:
    """File of system metrics and its spool; samples are not rows, steps or iterations of the script."""

    def __init__(self, folder: Path, numbering: Numbering, wall_clock: Callable[[], float]) -> None:
        self.file = folder / _SYSTEM_FILE
        self.spool = Spool(
            self.file,
            numbering,
            watched=(),
            rungs=frozenset(),
            wall_clock=wall_clock,
            kept_rows=_KEPT_SAMPLES,
        )
        self._wall_clock = wall_clock

    def add(self, sample: Mapping[str, float], *, step: int) -> None:
        """Write a sample taken now; raise OSError if that fails. `step`: last step of the script."""
        line = {STEP: step, TIME: round(self._wall_clock(), 3), **sample}
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(open_inside(self.file.parent, self.file.name, flags), "ab") as file:
            file.write(f"{json.dumps(line)}\n".encode())
        self.read_rest()

    def read_rest(self) -> None:
        """Number all samples in the file, including an earlier agent's; raise OSError if a read fails."""
        while self.spool.poll():
            pass
