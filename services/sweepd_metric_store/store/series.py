"""Writing of series: pieces become chunk rows, joined as `compaction` decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby

from sweepd_kernel.sql.database import Connection, Value
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Chunk, Spine, Stretch
from sweepd_metric_store.domain.checksum import checksum
from sweepd_metric_store.domain.compaction import Tail, plan, tail_after
from sweepd_metric_store.domain.summary import extended
from sweepd_metric_store.store import chunks
from sweepd_metric_store.store.ledger import Ledger, SeriesState
from sweepd_metric_store.store.tables_sql import CHUNK, SERIES, series_values

_SERIES_PER_ROUND = 200


class _DamagedTailError(Exception):
    """A chunk of a tail is damaged."""


@dataclass(slots=True)
class _Statements:
    """Rows that one transaction changes, gathered so that each statement runs once for many rows."""

    connection: Connection
    removed: list[tuple[int, int]] = field(default_factory=list)
    inserted: list[tuple[Value, ...]] = field(default_factory=list)
    series: list[tuple[Value, ...]] = field(default_factory=list)
    spines: dict[int, tuple[Spine, bytes]] = field(default_factory=dict)

    def encoded(self, stretch: Stretch) -> Chunk:
        """Encode a stretch; keys that were logged together share the encoded spine."""
        spine = stretch.spine
        known = self.spines.get(id(spine))
        if known is None:
            # The spine is kept beside its bytes: the id of a deleted object may be reused.
            known = self.spines[id(spine)] = (spine, encoding.spine_bytes(spine))
        return Chunk(
            first_row=spine.rows[0],
            last_row=spine.rows[-1],
            points=len(stretch),
            min_step=min(spine.steps),
            max_step=max(spine.steps),
            kind=stretch.kind,
            body=known[1] + encoding.values_bytes(stretch),
        )

    def insert(self, series_id: int, rows: Sequence[Chunk]) -> None:
        """Add chunk rows."""
        self.inserted += [chunks.values(series_id, each) for each in rows]

    def taken_tail(self, series_id: int, first_row: int) -> list[Chunk]:
        """Read the open tail of a series and have its rows removed; a damaged tail stays and is not returned.

        Joining it would lose what is damaged, or spread it over intact points.
        """
        try:
            found = list(chunks.read(self.connection, series_id, _refuse_damage, first_row=first_row))
        except _DamagedTailError:
            return []
        self.removed.append((series_id, first_row))
        return found

    def run(self) -> None:
        """Execute the statements, removals first: a joined chunk begins with the row of a removed one."""
        self.connection.execute_many("delete from chunk where series_id = ? and first_row >= ?", self.removed)
        self.connection.execute_many(SERIES.upsert, self.series)
        self.connection.execute_many(CHUNK.insert, self.inserted)


def write(connection: Connection, ledger: Ledger) -> None:
    """Write the stretches that were staged, and the summaries of their series."""
    statements = _Statements(connection)
    for attempt in ledger.touched:
        for series in attempt.series.values():
            if series.arrived:
                _write_series(series, statements)
                statements.series.append(_series_row(series))
                series.arrived.clear()
    statements.run()


def compact(connection: Connection, busy: AbstractSet[int]) -> AbstractSet[int]:
    """Join the tails of some series of attempts that are not `busy`; return the ids of these attempts."""
    loose = connection.execute(_LOOSE, (json.dumps(sorted(busy)), _SERIES_PER_ROUND)).all()
    statements = _Statements(connection)
    for series_id, _, first_row in loose:
        if tail := statements.taken_tail(series_id, first_row):
            statements.insert(series_id, _joined(tail))
    statements.run()
    # A tail of two types, or a damaged one, stays in pieces; it counts as one, or every round would find it.
    connection.execute_many("update series set tail_pieces = 1 where id = ?", [(each[0],) for each in loose])
    return {int(each[1]) for each in loose}


def _write_series(series: SeriesState, statements: _Statements) -> None:
    for stretch in series.arrived:
        series.summary = extended(series.summary, stretch)
        series.kinds |= 1 << stretch.kind
    for group in plan(series.tail, [len(stretch) for stretch in series.arrived]):
        parts = [statements.encoded(stretch) for stretch in series.arrived[group.start : group.stop]]
        if group.takes_tail:
            parts = statements.taken_tail(series.id, series.tail.first_row) + parts
        joined = _joined(parts)
        statements.insert(series.id, joined)
        points = sum(chunk.points for chunk in joined)
        stored = Tail(first_row=joined[0].first_row, points=points, pieces=len(joined))
        series.tail = tail_after(series.tail, group, stored)


def _series_row(series: SeriesState) -> tuple[Value, ...]:
    known, tail = series.summary, series.tail
    assert known is not None
    numbers = (series.id, series.attempt_id, series.key_id, known.count, known.number_count, series.kinds)
    if series.damaged is not None:
        summary, stored = series.damaged
    else:
        summary = encoding.summary_bytes(known)
        stored = checksum((*numbers, summary))
    return series_values(
        id=series.id,
        attempt_id=series.attempt_id,
        key_id=series.key_id,
        points=known.count,
        numbers=known.number_count,
        kinds=series.kinds,
        summary=summary,
        checksum=stored,
        tail_first_row=tail.first_row,
        tail_points=tail.points,
        tail_pieces=tail.pieces,
    )


def _joined(parts: Sequence[Chunk]) -> list[Chunk]:
    """Join chunks that follow each other into one for each type of value."""
    if len(parts) == 1:
        return list(parts)
    by_kind = sorted(parts, key=lambda part: (part.kind, part.first_row))
    joined = [_one(list(same)) for _, same in groupby(by_kind, key=lambda part: part.kind)]
    return sorted(joined, key=lambda part: part.first_row)


def _one(parts: Sequence[Chunk]) -> Chunk:
    if len(parts) == 1:
        return parts[0]
    return Chunk(
        first_row=parts[0].first_row,
        last_row=parts[-1].last_row,
        points=sum(part.points for part in parts),
        min_step=min(part.min_step for part in parts),
        max_step=max(part.max_step for part in parts),
        kind=parts[0].kind,
        body=encoding.joined_chunks([part.body for part in parts]),
    )


def _refuse_damage() -> None:
    raise _DamagedTailError


_LOOSE = """
    select id, attempt_id, tail_first_row from series
    where tail_pieces > 1 and attempt_id not in (select cast(value as bigint) from json_each(?)) limit ?"""
