"""Packing of points: cuts batches into pieces of series, and joins small pieces into chunks.

Malformed values are left out and reported.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import pairwise

from sweepd_metric_store.domain.batch import Batch, Column, Kind, Piece, Spine, Stretch

CLOSED_POINTS = 256
"""Number of points at which a chunk is closed; shorter pieces form the open tail of their series."""
MAX_PIECE_POINTS = 744
"""Maximum number of points of a piece; with the longest open tail, a piece has fewer than 1,000 points."""
MAX_TAIL_PIECES = 32
"""Number of pieces at which a tail is joined early, so that reading a short series stays cheap."""
MAX_KEYS = 1_000
"""Maximum number of distinct keys of one run, over all of its attempts."""
MAX_KEY_CHARACTERS = 256
MAX_TEXT_CHARACTERS = 1_024
MAX_ROW = 2**63 - 1


class MalformedBatchError(ValueError):
    """No row of the batch can be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Pieces of a batch in row order, and complaints about values left out."""

    pieces: Sequence[Piece]
    complaints: Sequence[str] = ()


def check_range(first_row: int, last_row: int) -> None:
    """Raise MalformedBatchError unless the rows are a valid range."""
    if not 1 <= first_row <= last_row <= MAX_ROW:
        raise MalformedBatchError(f"rows {first_row} to {last_row} are not a valid range; rows start at 1")


def pack(batch: Batch, *, after: int, known_keys: AbstractSet[str]) -> Packed:
    """Cut the rows of `batch` beyond row `after` into pieces.

    Args:
        batch: the batch as received; its range has passed `check_range`.
        after: the last row to skip, usually the cursor.
        known_keys: keys that the run has logged; with new ones, at most `MAX_KEYS` are accepted.

    Raises:
        MalformedBatchError: dropped rows are invalid, or the numbers of rows, steps and times do not match.
    """
    packing = _Packing(batch, after, set(known_keys))
    pieces = [part for column in batch.columns for piece in packing.pieces(column) for part in _cut(piece)]
    # Columns of one key with different types may interleave: pieces are stored in order of first row.
    pieces.sort(key=lambda piece: piece.stretch.spine.rows[0])
    return Packed(pieces=pieces, complaints=packing.complaints())


def _kept_rows(batch: Batch) -> Sequence[int]:
    """Return the numbers of the rows that were not dropped."""
    first, last = batch.first_row, batch.last_row
    kept = last - first + 1
    previous = first - 1
    for span in batch.dropped:
        if not previous < span.first <= span.last <= last:
            raise MalformedBatchError(f"dropped rows {span.first} to {span.last} are out of order or range")
        kept -= span.last - span.first + 1
        previous = span.last
    if not len(batch.steps) == len(batch.times) == kept:
        raise MalformedBatchError(f"{kept} rows have {len(batch.steps)} steps and {len(batch.times)} times")
    if not batch.dropped:
        return range(first, last + 1)
    rows: list[int] = []
    begin = first
    for span in batch.dropped:
        rows.extend(range(begin, span.first))
        begin = span.last + 1
    rows.extend(range(begin, last + 1))
    return rows


@dataclass(slots=True)
class _LeftOut:
    """Number of values of one key left out for one reason."""

    key: str
    why: str
    values: int


@dataclass(slots=True)
class _Packing:
    """State of packing one batch."""

    batch: Batch
    after: int
    keys: set[str]
    rows: Sequence[int] = field(init=False)
    _start: int = field(init=False)
    _spines: dict[tuple[int, ...], Spine] = field(default_factory=dict)
    _accepted: dict[str, list[tuple[Kind, Spine]]] = field(default_factory=dict)
    _left_out: list[_LeftOut] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = _kept_rows(self.batch)
        self._start = bisect_left(self.rows, self.after + 1)

    def pieces(self, column: Column) -> Iterator[Piece]:
        """Yield the piece of `column`, if any of its values are new and valid."""
        if not column.values:
            return
        why = self._objection(column)
        stretch = None if why else self._stretch(column)
        if stretch is None:
            self._left_out.append(_LeftOut(column.key, why or "has invalid row offsets", len(column.values)))
            return
        stretch = self._legal_texts(column.key, stretch)
        if not len(stretch):
            return
        accepted = self._accepted.setdefault(column.key, [])
        if accepted and _clash(accepted, stretch):
            self._left_out.append(_LeftOut(column.key, "has two values in one row", len(stretch)))
            return
        accepted.append((stretch.kind, stretch.spine))
        self.keys.add(column.key)
        yield Piece(key=column.key, stretch=stretch)

    def complaints(self) -> list[str]:
        """Return one line about left-out values for each key and reason."""
        return [f"{each.key!r} {each.why}: {each.values} values left out" for each in self._left_out]

    def _objection(self, column: Column) -> str:
        if not 1 <= len(column.key) <= MAX_KEY_CHARACTERS:
            return f"is not 1 to {MAX_KEY_CHARACTERS} characters long"
        if "\0" in column.key:
            return "has a NUL character"
        if column.key not in self.keys and len(self.keys) >= MAX_KEYS:
            return f"exceeds the limit of {MAX_KEYS} keys per run"
        return ""

    def _stretch(self, column: Column) -> Stretch | None:
        """Return the part of `column` beyond the cursor, possibly empty; None if its offsets are invalid."""
        if not column.offsets:
            if len(column.values) != len(self.rows):
                return None
            spine = self._spines.get(()) or self._cached((), self._full_spine())
            return Stretch(kind=column.kind, spine=spine, values=column.values[self._start :])
        offsets = tuple(column.offsets)
        if len(offsets) != len(column.values):
            return None
        cached = self._spines.get(offsets)
        if cached is None:
            positions = self._positions(offsets)
            if positions is None:
                return None
            cached = self._cached(offsets, self._spine_at(positions))
        return Stretch(
            kind=column.kind, spine=cached, values=column.values[len(offsets) - len(cached.rows) :]
        )

    def _cached(self, offsets: tuple[int, ...], spine: Spine) -> Spine:
        self._spines[offsets] = spine
        return spine

    def _full_spine(self) -> Spine:
        return Spine(
            rows=self.rows[self._start :],
            steps=self.batch.steps[self._start :],
            times=self.batch.times[self._start :],
        )

    def _spine_at(self, positions: Sequence[int]) -> Spine:
        new = positions[bisect_left(positions, self._start) :]
        return Spine(rows=self.rows, steps=self.batch.steps, times=self.batch.times).picked(new)

    def _positions(self, offsets: tuple[int, ...]) -> Sequence[int] | None:
        """Convert row offsets to positions in `rows`; None unless the offsets increase and all have rows."""
        if any(here >= there for here, there in pairwise(offsets)):
            return None
        if not self.batch.dropped:
            return offsets if offsets[-1] < len(self.rows) else None
        first = self.batch.first_row
        positions = [bisect_left(self.rows, first + offset) for offset in offsets]
        rows = self.rows
        named = all(
            at < len(rows) and rows[at] == first + offset
            for at, offset in zip(positions, offsets, strict=True)
        )
        return positions if named else None

    def _legal_texts(self, key: str, stretch: Stretch) -> Stretch:
        if stretch.kind is not Kind.STRING:
            return stretch
        legal = [at for at, text in enumerate(stretch.values) if len(str(text)) <= MAX_TEXT_CHARACTERS]
        too_long = len(stretch) - len(legal)
        if not too_long:
            return stretch
        self._left_out.append(_LeftOut(key, f"has texts of over {MAX_TEXT_CHARACTERS} characters", too_long))
        return stretch.picked(legal)


def _clash(accepted: Sequence[tuple[Kind, Spine]], stretch: Stretch) -> bool:
    """Return True if `stretch` and the accepted values of its key have a row in common."""
    rows = set(stretch.spine.rows)
    return any(not rows.isdisjoint(spine.rows) for _, spine in accepted)


def _cut(piece: Piece) -> Iterator[Piece]:
    """Yield `piece` in parts of at most MAX_PIECE_POINTS points."""
    size = len(piece.stretch)
    if size <= MAX_PIECE_POINTS:
        yield piece
        return
    for start in range(0, size, MAX_PIECE_POINTS):
        yield Piece(key=piece.key, stretch=piece.stretch.part(start, min(start + MAX_PIECE_POINTS, size)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Open tail of a series: the pieces from row `first_row` on, which are too short to be closed."""

    first_row: int = 0
    points: int = 0
    pieces: int = 0


NO_TAIL = Tail()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """New pieces from index `start` to `stop` (exclusive) that become one chunk per type of value.

    With `takes_tail`, the stored tail is read, prepended, and removed. A group that is not `closed`
    becomes part of the tail.
    """

    start: int
    stop: int
    takes_tail: bool
    closed: bool


def plan(tail: Tail, sizes: Sequence[int]) -> list[Group]:
    """Group pieces of `sizes` points, in row order, to be joined to each other and to `tail`."""
    groups: list[Group] = []
    start, points, follows_tail = 0, tail.points, tail.pieces > 0
    for at, size in enumerate(sizes):
        points += size
        if points >= CLOSED_POINTS:
            groups.append(Group(start=start, stop=at + 1, takes_tail=follows_tail, closed=True))
            start, points, follows_tail = at + 1, 0, False
    if start < len(sizes):
        tail_is_full = follows_tail and tail.pieces + 1 >= MAX_TAIL_PIECES
        groups.append(Group(start=start, stop=len(sizes), takes_tail=tail_is_full, closed=False))
    return groups


def tail_after(tail: Tail, group: Group, stored: Tail) -> Tail:
    """Return the tail after `group` is stored as the pieces described by `stored`."""
    if group.closed:
        return NO_TAIL
    if group.takes_tail or not tail.pieces:
        return stored
    return Tail(
        first_row=tail.first_row, points=tail.points + stored.points, pieces=tail.pieces + stored.pieces
    )
