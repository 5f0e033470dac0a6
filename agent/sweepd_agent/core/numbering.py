"""Numbers of the rows of an attempt: the durable order in which its files were read.

Several segments of a metrics file may grow at once, so the order of reading cannot be found again from the
files alone. A *block* is a stretch of one segment whose rows were read one after the other.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from sweepd_agent.core.attempt import Json
from sweepd_agent.core.rows import Extreme, Progress, Row

BLOCK_BYTES = 128 * 1024
"""A block grows to about this; it is what is read again at once when rows are sent from disk."""

MAX_LOGGED_KEYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Rows that stand together in one segment."""

    segment: int
    start: int
    end: int
    # Where reading stood before its first row.
    before: Progress
    rows: int
    # Unix time at which it was read, for lines that carry none.
    time: float
    # Only a part of its rows is kept, in a file of its own; the segment is gone.
    thinned: bool = False

    @property
    def last_row(self) -> int:
        """Number of its last row."""
        return self.before.row + self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Begin of an attempt in a file that has earlier ones, too."""

    attempt: int
    segment: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of an attempt after others: they replace what stands before them from its first step on."""

    attempt: int
    # Number of the last row before it.
    after: int
    # The step of its first line that names one; None as long as none has.
    first_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """All rows read so far."""

    blocks: tuple[Block, ...] = ()
    progress: Progress = field(default_factory=Progress)
    malformed: int = 0
    logged_keys: tuple[str, ...] = ()
    # The step of the first line that names one.
    first_step: int | None = None
    # Attempts that follow one another in the file, but for the first.
    parts: tuple[Part, ...] = ()

    def position(self, segment: int) -> int:
        """Return how far a segment was read."""
        return max((block.end for block in self.blocks if block.segment == segment), default=0)

    def extended(self, block: Block, after: Progress) -> "Numbering":
        """Return the numbering with the rows of `block`, after which reading stands at `after`."""
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
        """Return the numbering with further malformed lines and logged keys, the first ones by name."""
        if not malformed and keys <= set(self.logged_keys):
            return self
        logged = tuple(sorted({*self.logged_keys, *keys})[:MAX_LOGGED_KEYS])
        return replace(self, malformed=self.malformed + malformed, logged_keys=logged)

    def begun_at(self, step: int | None) -> "Numbering":
        """Return the numbering when a line names a step; that of the first one stays."""
        return self if step is None or self.first_step is not None else replace(self, first_step=step)

    def part_begun(self, attempt: int, after: int) -> "Numbering":
        """Return the numbering when an attempt begins with the row after that of a number."""
        return replace(self, parts=(*self.parts, Part(attempt=attempt, after=after)))

    def part_begun_at(self, step: int) -> "Numbering":
        """Return the numbering when the first line of the last attempt that names a step has named this."""
        *before, last = self.parts
        return replace(self, parts=(*before, replace(last, first_step=step)))

    @property
    def open_part(self) -> bool:
        """True if it is not known yet what the last of several attempts replaces."""
        return bool(self.parts) and self.parts[-1].first_step is None

    def knows(self, attempt: int) -> bool:
        """True if it is known what an attempt replaces."""
        return any(part.attempt == attempt and part.first_step is not None for part in self.parts)

    def is_replaced(self, row: Row) -> bool:
        """True if an attempt that began after a row has replaced it."""
        return any(
            part.first_step is not None and row.number <= part.after and row.step >= part.first_step
            for part in self.parts
        )

    def is_thinned(self, segment: int) -> bool:
        """True if of a segment only some rows are kept."""
        return any(block.thinned for block in self.blocks if block.segment == segment)

    def thinned(self, segment: int) -> "Numbering":
        """Return the numbering when of a segment only some rows are kept."""
        blocks = (
            replace(block, thinned=True) if block.segment == segment else block for block in self.blocks
        )
        return replace(self, blocks=tuple(blocks))

    def at(self, progress: Progress) -> "Numbering":
        """Return the numbering when reading has come to stand at `progress` without another row."""
        return replace(self, progress=progress)

    def after(self, row: int) -> tuple[Block, ...]:
        """Return the blocks that hold rows beyond `row`, in their order."""
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
    """Return the numbering of a document; raises ValueError if it is none."""
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
    """Return what earlier versions did not store, as it is when nothing was read yet."""
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
