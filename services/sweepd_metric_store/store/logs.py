"""Storage of logs in pieces; short pieces are joined once there are enough of them."""

import json
from collections.abc import Set as AbstractSet

from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.database import Connection
from sweepd_metric_store.domain.checksum import checksum, is_intact
from sweepd_metric_store.ports import LogPart
from sweepd_metric_store.store.ledger import AttemptState, Ledger
from sweepd_metric_store.store.tables_sql import LOG_PIECE, log_piece_values

CLOSED_BYTES = 64 * 1024
"""Total size in bytes at which pieces are joined; until then they are the open tail of the log."""
MAX_TAIL_PIECES = 32
_LOGS_PER_ROUND = 50


def write(connection: Connection, ledger: Ledger) -> None:
    """Write the staged bytes of each attempt as one piece."""
    for attempt in ledger.touched:
        if attempt.log_arrived:
            _write_log(connection, attempt)
            attempt.log_arrived.clear()


def compact(connection: Connection, busy: AbstractSet[int]) -> AbstractSet[int]:
    """Join the tail pieces of some logs whose attempts are not `busy`; return the ids of these attempts."""
    loose = connection.execute(_LOOSE, (json.dumps(sorted(busy)), _LOGS_PER_ROUND)).all()
    for attempt_id, offset, end in loose:
        content = _take_tail(connection, attempt_id, offset, end)
        if content:
            _insert(connection, attempt_id, offset, content)
    connection.execute_many("update attempt set log_tail_pieces = 1 where id = ?", [row[:1] for row in loose])
    return {int(row[0]) for row in loose}


def read(connection: Connection, run: str, attempt: int, offset: int, limit: int) -> LogPart:
    """Return up to `limit` bytes of a log from `offset`; attempt 0 means the newest with a log."""
    found = connection.execute(_ATTEMPT, {"run": run, "attempt": attempt}).first()
    if found is None:
        return LogPart(attempt=attempt, offset=offset, content=b"", end=0)
    attempt_id, number, end = found
    content = bytearray()
    for first in _starts(connection, attempt_id, offset, min(end, offset + limit)) if offset < end else ():
        piece = _piece(connection, attempt_id, first) if first <= offset + len(content) else None
        if piece is None:
            break
        content += piece[max(0, offset - first) :]
        if len(content) >= limit:
            break
    if offset < end and not content:
        after = _next_start(connection, attempt_id, offset)
        behind = end if after is None else after
        return LogPart(attempt=number, offset=behind, content=b"", end=end, damaged_from=offset)
    return LogPart(attempt=number, offset=offset, content=bytes(content[:limit]), end=end)


def stored(connection: Connection, attempt_id: int, offset: int, end: int) -> bytes | None:
    """Return the stored bytes from `offset` to `end`, or None if any are damaged."""
    content = bytearray()
    for first in _starts(connection, attempt_id, offset, end) if offset < end else ():
        piece = _piece(connection, attempt_id, first) if first <= offset + len(content) else None
        if piece is None:
            return None
        content += piece[max(0, offset - first) :]
    wanted = max(0, end - offset)
    return bytes(content[:wanted]) if len(content) >= wanted else None


def _write_log(connection: Connection, attempt: AttemptState) -> None:
    content = b"".join(attempt.log_arrived)
    end = attempt.log_offset
    offset = end - len(content)
    if not attempt.log_tail_pieces:
        attempt.log_tail_offset = offset
    full = end - attempt.log_tail_offset >= CLOSED_BYTES
    if attempt.log_tail_pieces and (full or attempt.log_tail_pieces + 1 >= MAX_TAIL_PIECES):
        tail = _take_tail(connection, attempt.id, attempt.log_tail_offset, offset)
        if not tail:  # damaged: begin a new tail after it
            attempt.log_tail_offset = offset
        content = tail + content
        offset, attempt.log_tail_pieces = attempt.log_tail_offset, 0
    attempt.log_tail_pieces = 0 if full else attempt.log_tail_pieces + 1
    _insert(connection, attempt.id, offset, content)


def _take_tail(connection: Connection, attempt_id: int, offset: int, end: int) -> bytes:
    """Read and remove the pieces from `offset` to `end`; a damaged tail stays, and b"" is returned."""
    content = stored(connection, attempt_id, offset, end)
    if content is None:
        return b""
    connection.execute(
        "delete from log_piece where attempt_id = ? and first_offset >= ?", (attempt_id, offset)
    )
    return content


def _starts(connection: Connection, attempt_id: int, offset: int, stop: int) -> list[int]:
    """Return the start offsets of the pieces that overlap the bytes from `offset` to `stop`."""
    return [
        first
        for (first,) in connection.execute(
            _STARTS, {"attempt_id": attempt_id, "offset": offset, "stop": stop}
        )
    ]


def _next_start(connection: Connection, attempt_id: int, first: int) -> int | None:
    row = connection.execute(_NEXT_START, (attempt_id, first)).first()
    return None if row is None or row[0] is None else int(row[0])


def _piece(connection: Connection, attempt_id: int, first: int) -> bytes | None:
    """Return the piece that begins at `first`, or None if it is damaged."""
    try:
        row = connection.execute(_PIECE, (attempt_id, first)).first()
    except DamagedError:
        return None
    if row is None or not is_intact(row[:-1], row[-1]):
        return None
    body: bytes = row[-2]
    return body


def _insert(connection: Connection, attempt_id: int, offset: int, content: bytes) -> None:
    end = offset + len(content)
    row = log_piece_values(
        attempt_id=attempt_id,
        first_offset=offset,
        end_offset=end,
        body=content,
        checksum=checksum((attempt_id, offset, end, content)),
    )
    connection.execute(LOG_PIECE.insert, row)


_LOOSE = """
    select id, log_tail_offset, log_offset from attempt
    where log_tail_pieces > 1 and id not in (select cast(value as bigint) from json_each(?)) limit ?"""
_ATTEMPT = """
    select a.id, a.number, a.log_offset from run r join attempt a on a.run_id = r.id
    where r.name = :run and a.log_offset > 0 and :attempt in (0, a.number) order by a.number desc limit 1"""
# Read from the index, which stays readable if the page of a piece is damaged.
_STARTS = """
    select first_offset from log_piece
    where attempt_id = :attempt_id and first_offset < :stop
        and first_offset >= coalesce((
            select max(first_offset) from log_piece
            where attempt_id = :attempt_id and first_offset <= :offset), 0)
    order by first_offset"""
_NEXT_START = "select min(first_offset) from log_piece where attempt_id = ? and first_offset > ?"
_PIECE = f"select {LOG_PIECE} from log_piece where attempt_id = ? and first_offset = ?"
