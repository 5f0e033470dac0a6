"""Points: batches as received, stretches as stored, and the comparison of both."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import cast

Value = float | int | bool | str
Values = Sequence[float] | Sequence[int] | Sequence[bool] | Sequence[str]


class Kind(IntEnum):
    """Type of the values of a stretch; the enum values are stored, so they never change."""

    DOUBLE = 1
    INT = 2
    BOOL = 3
    STRING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRange:
    """Rows from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Values of one key in a batch; without `offsets`, one value per row that is not dropped."""

    key: str
    kind: Kind
    offsets: Sequence[int]
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Consecutive rows of one attempt; `steps` and `times` have one entry per row that is not dropped."""

    first_row: int
    last_row: int
    steps: Sequence[int]
    times: Sequence[float]
    columns: Sequence[Column]
    dropped: Sequence[RowRange] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spine:
    """Row, step and time of each value of a stretch.

    Compared by identity: keys that were logged together share one spine, which is encoded once.
    """

    rows: Sequence[int]
    steps: Sequence[int]
    times: Sequence[float]

    def part(self, start: int, stop: int) -> "Spine":
        """Return the rows, steps and times from index `start` to `stop` (exclusive)."""
        return Spine(rows=self.rows[start:stop], steps=self.steps[start:stop], times=self.times[start:stop])

    def picked(self, positions: Sequence[int]) -> "Spine":
        """Return the rows, steps and times at `positions`, in that order."""
        rows, steps, times = self.rows, self.steps, self.times
        return Spine(
            rows=[rows[at] for at in positions],
            steps=[steps[at] for at in positions],
            times=[times[at] for at in positions],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Values of one key and one type, in row order; never empty once stored."""

    kind: Kind
    spine: Spine
    values: Values

    def __len__(self) -> int:
        return len(self.values)

    def numbers(self) -> Sequence[float]:
        """Return the values if they are numbers (not booleans or texts), else an empty sequence."""
        return cast("Sequence[float]", self.values) if self.kind in {Kind.DOUBLE, Kind.INT} else ()

    def part(self, start: int, stop: int) -> "Stretch":
        """Return the points from index `start` to `stop` (exclusive)."""
        return Stretch(kind=self.kind, spine=self.spine.part(start, stop), values=self.values[start:stop])

    def picked(self, positions: Sequence[int]) -> "Stretch":
        """Return the points at `positions`, in that order."""
        return Stretch(
            kind=self.kind,
            spine=self.spine.picked(positions),
            values=picked_values(self.values, positions),
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """An encoded stretch, with metadata for reading without decoding the body."""

    first_row: int
    last_row: int
    points: int
    min_step: int
    max_step: int
    kind: Kind
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Part of a batch: a stretch of one key."""

    key: str
    stretch: Stretch


def picked_values(values: Sequence[Value], positions: Sequence[int]) -> Values:
    """Return the values at `positions`; all values have one type."""
    return cast("Values", [values[at] for at in positions])


class Standing(Enum):
    """Position of a range relative to a cursor."""

    NEXT = auto()
    """The range extends beyond the cursor without a gap; its part up to the cursor is trimmed."""
    REPEATED = auto()
    """The whole range is already stored."""
    GAP = auto()
    """The range begins beyond cursor + 1: nothing is stored, and the sender resumes at the cursor."""


def standing(cursor: int, first: int, last: int) -> Standing:
    """Return the standing of the rows `first` to `last`, both included and counted from 1."""
    if first > cursor + 1:
        return Standing.GAP
    if last <= cursor:
        return Standing.REPEATED
    return Standing.NEXT


def bytes_standing(cursor: int, offset: int, length: int) -> Standing:
    """Return the standing of `length` bytes from `offset` (counted from 0); `cursor` bytes are stored."""
    return standing(cursor, offset + 1, offset + length)


def differing_row(repeated: Stretch, stored: Iterable[Stretch], *, missing_differs: bool) -> int | None:
    """Return the first row in which a repeated stretch differs from stored stretches, or None.

    Only types and values are compared. A missing value counts as different only with `missing_differs`,
    since it may have been left out as malformed.
    """
    known: dict[int, tuple[Kind, Value]] = {}
    for each in stored:
        stored_values: Sequence[Value] = each.values
        known |= {row: (each.kind, value) for row, value in zip(each.spine.rows, stored_values, strict=True)}
    repeated_values: Sequence[Value] = repeated.values
    for row, value in zip(repeated.spine.rows, repeated_values, strict=True):
        if not (_same(repeated.kind, value, *known[row]) if row in known else not missing_differs):
            return row
    return None


def _same(kind: Kind, value: Value, known_kind: Kind, known: Value) -> bool:
    if kind is not known_kind:
        return False
    if isinstance(value, float) and isinstance(known, float) and math.isnan(value):
        return math.isnan(known)
    return value == known
