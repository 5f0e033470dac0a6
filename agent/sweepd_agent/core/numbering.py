"""Row numbers of an attempt: the durable order in which its files were read.

Several segments of a metrics file may grow at once, so the order of reading cannot be recovered from the
files alone. A *block* is a byte range of one segment whose rows were read consecutively.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from types import UnionType
from typing import Any, get_args, get_origin

from sweepd_agent.core.attempt import Json
from sweepd_agent.core.rows import Extreme, Progress, Row

BLOCK_BYTES = 128 * 1024
"""Approximate maximum size of a block, the unit of reading when rows are sent from disk."""

MAX_LOGGED_KEYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive rows of one segment."""

    segment: int
    start: int
    end: int
    rows: int
    # Unix time of reading, for lines without a time.
    time: float
    # Only some of its rows are kept, in a separate file; the segment is deleted.
    thinned: bool = False
    # Reader state before its first row.
    before: Progress

    @property
    def last_row(self) -> int:
        """Number of its last row."""
        return self.before.row + self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Start of an attempt in a file that also holds earlier attempts."""

    attempt: int
    segment: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a later attempt in the same file; from its first step on, they replace all earlier rows."""

    attempt: int
    # Number of the last row before this part.
    after: int
    # Step of its first line with a step; None until there is such a line.
    first_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """Numbers of all rows read so far, by block."""

    blocks: tuple[Block, ...] = ()
    progress: Progress = field(default_factory=Progress)
    malformed: int = 0
    logged_keys: tuple[str, ...] = ()
    # Step of the first line with a step.
    first_step: int | None = None
    # Attempts in the file after the first one, in order.
    parts: tuple[Part, ...] = ()

    def position(self, segment: int) -> int:
        """Return the byte offset up to which a segment was read."""
        return max((block.end for block in self.blocks if block.segment == segment), default=0)

    def extended(self, block: Block, after: Progress) -> "Numbering":
        """Return the numbering with the rows of `block` added; `after` is the reader state after them."""
        blocks = self.blocks
        last = blocks[-1] if blocks else None
        if (
            last is not None
            and (last.segment, last.end, last.thinned) == (block.segment, block.start, False)
            and block.end - last.start <= BLOCK_BYTES
        ):
            blocks, block = blocks[:-1], replace(last, end=block.end, rows=last.rows + block.rows)
        return replace(self, blocks=(*blocks, block), progress=after)

    def counted(self, malformed: int, keys: AbstractSet[str]) -> "Numbering":
        """Return the numbering with malformed lines and logged keys added, up to MAX_LOGGED_KEYS keys."""
        if not malformed and keys <= set(self.logged_keys):
            return self
        logged = tuple(sorted({*self.logged_keys, *keys})[:MAX_LOGGED_KEYS])
        return replace(self, malformed=self.malformed + malformed, logged_keys=logged)

    def begun_at(self, step: int | None) -> "Numbering":
        """Return the numbering with `step` as its first step, unless it has one or `step` is None."""
        return self if step is None or self.first_step is not None else replace(self, first_step=step)

    def part_begun(self, attempt: int, after: int) -> "Numbering":
        """Return the numbering with a new part, for an attempt whose first row follows row `after`."""
        return replace(self, parts=(*self.parts, Part(attempt=attempt, after=after)))

    def part_begun_at(self, step: int) -> "Numbering":
        """Return the numbering with `step` as the first step of the last part."""
        *before, last = self.parts
        return replace(self, parts=(*before, replace(last, first_step=step)))

    @property
    def open_part(self) -> bool:
        """True if the first step of the last part is not known yet."""
        return bool(self.parts) and self.parts[-1].first_step is None

    def has_first_step(self, attempt: int) -> bool:
        """True if the first step of an attempt is known, and with it the rows that the attempt replaces."""
        return any(part.attempt == attempt and part.first_step is not None for part in self.parts)

    def is_replaced(self, row: Row) -> bool:
        """True if a later attempt has replaced a row."""
        return any(
            part.first_step is not None and row.number <= part.after and row.step >= part.first_step
            for part in self.parts
        )

    def is_thinned(self, segment: int) -> bool:
        """True if only some rows of a segment are kept."""
        return any(block.thinned for block in self.blocks if block.segment == segment)

    def thinned(self, segment: int) -> "Numbering":
        """Return the numbering with a segment marked as thinned."""
        blocks = (
            replace(block, thinned=True) if block.segment == segment else block for block in self.blocks
        )
        return replace(self, blocks=tuple(blocks))

    def at(self, progress: Progress) -> "Numbering":
        """Return the numbering with another reader state, but no further rows."""
        return replace(self, progress=progress)

    def after(self, row: int) -> tuple[Block, ...]:
        """Return the blocks with rows after `row`, in order."""
        return tuple(block for block in self.blocks if block.last_row > row)


def document(numbering: Numbering) -> dict[str, Json]:
    """Return a numbering as a JSON document, in which inner objects are lists of their field values."""
    return {
        "blocks": [_block_document(block) for block in numbering.blocks],
        "progress": _progress_document(numbering.progress),
        "malformed": numbering.malformed,
        "logged_keys": list(numbering.logged_keys),
        "first_step": numbering.first_step,
        "parts": [[part.attempt, part.after, part.first_step] for part in numbering.parts],
    }


def from_document(stored: Mapping[str, Json]) -> Numbering:
    """Return the numbering that a JSON document describes; raise ValueError if it is malformed."""
    return Numbering(**{each.name: _value(each.type, stored.get(each.name)) for each in fields(Numbering)})


def _block_document(block: Block) -> Json:
    before = _progress_document(block.before)
    return [block.segment, block.start, block.end, block.rows, block.time, block.thinned, before]


def _progress_document(progress: Progress) -> Json:
    return [
        progress.row,
        progress.settled,
        progress.iterations,
        progress.last_step,
        progress.step,
        [[key, value] for key, value in progress.waiting],
        [*sorted(progress.observed)],
        progress.open,
        [[each.key, each.kind, each.value] for each in progress.extremes],
        [*sorted(progress.exact)],
    ]


_SHAPES = {Block, Extreme, Part, Progress}
# First step of a part that replaces no rows: greater than any step, as steps have 64 bits.
_LARGEST = 2**63


def _value(kind: Any, stored: Json) -> Any:  # noqa: ANN401 (any type of a field)
    """Return the value of type `kind` that `stored` encodes; raise ValueError if it is malformed."""
    origin, parts = get_origin(kind), get_args(kind)
    match stored:
        case None if type(None) in parts:
            return None
        case _ if origin is UnionType:
            return _value(parts[0], stored)
        case list() if kind in _SHAPES and len(stored) == len(fields(kind)):
            values = zip(fields(kind), stored, strict=True)
            return kind(**{each.name: _value(each.type, value) for each, value in values})
        case list() if origin is frozenset or Ellipsis in parts:
            return origin(_value(parts[0], each) for each in stored)
        case list() if len(stored) == len(parts):
            return tuple(map(_value, parts, stored))
        case int() if abs(stored) > _LARGEST:
            raise ValueError(f"{stored!r} is not a number of rows, bytes or steps")
        case int() | float() if kind is float:
            return float(stored)
        case _ if kind is type(stored):
            return stored
        case _:
            raise ValueError(f"{stored!r} is not of type {kind}")
