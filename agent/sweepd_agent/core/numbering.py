"""Row numbers of an attempt: the durable order in which its files were read.

Several segments of a metrics file may grow at once, so the order of reading cannot be recovered from the
files alone. A *block* is a byte range of one segment whose rows were read consecutively.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

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
    # State of reading before its first row.
    before: Progress
    rows: int
    # Unix time of reading, for lines without a time.
    time: float
    # Only some of its rows are kept, in a separate file; the segment is deleted.
    thinned: bool = False

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
    """Rows of a later attempt in the same file: they replace earlier rows from its first step on."""

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
    # Attempts that follow one another in the file, except the first.
    parts: tuple[Part, ...] = ()

    def position(self, segment: int) -> int:
        """Return the byte offset up to which a segment was read."""
        return max((block.end for block in self.blocks if block.segment == segment), default=0)

    def extended(self, block: Block, after: Progress) -> "Numbering":
        """Return the numbering with the rows of `block`; `after` is the state of reading after them."""
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
        """Return the numbering with more malformed lines and logged keys, of which the first are kept."""
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

    def knows(self, attempt: int) -> bool:
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
        """Return the numbering with another state of reading, but no further row."""
        return replace(self, progress=progress)

    def after(self, row: int) -> tuple[Block, ...]:
        """Return the blocks with rows after `row`, in order."""
        return tuple(block for block in self.blocks if block.last_row > row)


def document(numbering: Numbering) -> dict[str, Json]:
    """Return a numbering as JSON."""
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
    blocks, keys, first_step = stored.get("blocks"), stored.get("logged_keys"), stored.get("first_step")
    parts = stored.get("parts", [])  # earlier versions stored none
    if not isinstance(parts, list):
        raise ValueError("not the parts of a numbering")
    if not isinstance(blocks, list) or not isinstance(keys, list):
        raise ValueError("not a numbering")
    return Numbering(
        blocks=tuple(_block(block) for block in blocks),
        progress=_progress(stored.get("progress")),
        malformed=_int(stored.get("malformed")),
        logged_keys=tuple(str(key) for key in keys),
        first_step=None if first_step is None else _int(first_step),
        parts=tuple(_part(part) for part in parts),
    )


def _part(stored: Json) -> Part:
    match stored:
        case [int(attempt), int(after), int() | None as first_step]:
            return Part(attempt=attempt, after=after, first_step=first_step)
        case _:
            raise ValueError("not a part")


def _block_document(block: Block) -> Json:
    before = _progress_document(block.before)
    return [block.segment, block.start, block.end, block.rows, block.time, block.thinned, before]


def _block(stored: Json) -> Block:
    match stored:
        case [int(segment), int(start), int(end), int(rows), float() | int() as time, bool(thinned), before]:
            return Block(
                segment=segment,
                start=start,
                end=end,
                before=_progress(before),
                rows=rows,
                time=float(time),
                thinned=thinned,
            )
        case _:
            raise ValueError("not a block")


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
        [[each.key, each.word, each.value] for each in progress.extremes],
        [*sorted(progress.exact)],
    ]


def _progress(stored: Json) -> Progress:
    match stored:
        case [
            int(row),
            int(settled),
            int(iterations),
            int(last_step),
            int() | None as step,
            list(waiting),
            list(observed),
            bool(open_),
            *made,
        ]:
            extremes, exact = _made(made)
            return Progress(
                row=row,
                settled=settled,
                iterations=iterations,
                last_step=last_step,
                step=step,
                waiting=tuple(_waiting(item) for item in waiting),
                observed=frozenset(_int(key) for key in observed),
                open=open_,
                extremes=extremes,
                exact=exact,
            )
        case _:
            raise ValueError("not a progress")


def _made(stored: list[Json]) -> tuple[tuple[Extreme, ...], frozenset[int]]:
    """Return the stored extremes and exact keys; both empty in a document of an earlier version."""
    match stored:
        case []:
            return (), frozenset()
        case [list(extremes), list(exact)]:
            return tuple(_extreme(each) for each in extremes), frozenset(_int(key) for key in exact)
        case _:
            raise ValueError("not keys that are made of others")


def _extreme(stored: Json) -> Extreme:
    match stored:
        case [int(key), str(word), None]:
            return Extreme(key=key, word=word)
        case [int(key), str(word), float() | int() as value]:
            return Extreme(key=key, word=word, value=float(value))
        case _:
            raise ValueError("not an extreme")


def _waiting(stored: Json) -> tuple[int, float]:
    match stored:
        case [int(key), float() | int() as value]:
            return key, float(value)
        case _:
            raise ValueError("not a waiting value")


def _int(stored: Json) -> int:
    if isinstance(stored, int):
        return stored
    raise ValueError(f"{stored!r} is not a whole number")
