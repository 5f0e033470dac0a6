"""Storage of files: each content once, in pieces; an attempt delivers one file at a time."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sweepd_kernel.database import damage_of
from sweepd_metric_store.domain.checksum import checksum, intact
from sweepd_metric_store.domain.files import (
    MAX_LEFT_OUT,
    MAX_NUMBER,
    MAX_PIECE_BYTES,
    complaint_of_count,
    complaint_of_name,
    complaint_of_size,
    follows,
)
from sweepd_metric_store.ports import FileArrived, FilePage, Stored, StoredFile
from sweepd_metric_store.store.ledger import AttemptState, FileTotals


class DamagedPieceError(Exception):
    """A piece of a content is damaged."""


@dataclass(frozen=True, slots=True)
class _Upload:
    """Cursor of an attempt, and the file that is arriving; blob 0: none."""

    number: int = 0
    blob: int = 0
    name: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class _Namesake:
    """A file of the same run and name; `size`: number of its bytes that are stored."""

    attempt_id: int
    blob: int | None
    size: int
    is_later: bool


def store(connection: sqlite3.Connection, attempt: AttemptState, arrival: FileArrived) -> Stored:
    """Store one piece in the open transaction."""
    upload = _upload(connection, attempt.id)
    if arrival.number > MAX_NUMBER:
        return Stored(name=arrival.name, cursor=upload.number, rejection="no piece has such a number")
    if not follows(arrival.number, upload.number):
        return Stored(name=arrival.name, cursor=upload.number)
    rejection = _refusal(connection, attempt, arrival, upload)
    if rejection or arrival.left_out or arrival.offset == 0:
        _drop_blob(connection, upload.blob)
        upload = _Upload(upload.number)
    if rejection or arrival.left_out:
        _list_without_content(connection, attempt, arrival, arrival.left_out or rejection)
    else:
        upload, rejection = _taken(connection, attempt, arrival, upload)
    connection.execute(_PUT_UPLOAD, (attempt.id, arrival.number, upload.blob, upload.name, upload.offset))
    return Stored(name=arrival.name, cursor=arrival.number, rejection=rejection, fresh=True)


def page(connection: sqlite3.Connection, run: str, after: str, limit: int) -> FilePage:
    """Return files of a run by name, each of the newest attempt that has it."""
    rows = connection.execute(_LIST, {"run": run, "after": after, "limit": limit + 1}).fetchall()
    files = [
        StoredFile(name=name, attempt=attempt, size=size, time=time, digest=digest or b"", left_out=left_out)
        for name, attempt, size, time, digest, left_out in rows[:limit]
    ]
    return FilePage(files=files, rest=files[-1].name if len(rows) > limit else None)


def blob(connection: sqlite3.Connection, run: str, name: str) -> int | None:
    """Return the id of the content of a file; None without file or content."""
    row = connection.execute(_BLOB, (run, name)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def piece(connection: sqlite3.Connection, blob_id: int, offset: int) -> bytes | None:
    """Return the piece of a content that begins at `offset`; empty at its end, None if it was deleted.

    Raises:
        DamagedPieceError: the piece is damaged.
    """
    row = _stored_piece(connection, blob_id, offset)
    if row is not None:
        body, stored = row
        if not intact(stored, body, blob_id, offset):
            raise DamagedPieceError
        return body
    size = connection.execute("select size from file_blob where id = ?", (blob_id,)).fetchone()
    return b"" if size is not None and size[0] == offset else None


def _stored_piece(connection: sqlite3.Connection, blob_id: int, offset: int) -> tuple[bytes, int] | None:
    try:
        row: tuple[bytes, int] | None = connection.execute(_PIECE, (blob_id, offset)).fetchone()
    except sqlite3.Error as error:
        if not damage_of(error):
            raise
        raise DamagedPieceError from error
    return row


def _refusal(
    connection: sqlite3.Connection, attempt: AttemptState, arrival: FileArrived, upload: _Upload
) -> str:
    """Return why a piece is refused for good; empty if it is not."""
    if complaint := complaint_of_name(arrival.file):
        return complaint
    if arrival.left_out or arrival.offset == 0:
        count, size = _others(connection, attempt, arrival)
        if complaint := complaint_of_count(count):
            return complaint
        return "" if arrival.left_out else complaint_of_size(arrival.size, others=size)
    if (arrival.file, arrival.offset) != (upload.name, upload.offset):
        return "it does not continue where the file ended"
    return ""


def _taken(
    connection: sqlite3.Connection, attempt: AttemptState, arrival: FileArrived, upload: _Upload
) -> tuple[_Upload, str]:
    """Store the bytes of a piece; the last one completes the file."""
    blob_id, size = upload.blob, arrival.size
    if blob_id:
        (size,) = connection.execute("select size from file_blob where id = ?", (blob_id,)).fetchone()
    if len(arrival.content) > MAX_PIECE_BYTES or arrival.offset + len(arrival.content) > size:
        _drop_blob(connection, blob_id)
        return _Upload(upload.number), "it has more bytes than it may"
    if not blob_id:
        blob_id = connection.execute("insert into file_blob (size) values (?)", (size,)).lastrowid or 0
    if arrival.content:
        place = (blob_id, arrival.offset)
        connection.execute(_PUT_PIECE, (*place, arrival.content, checksum(arrival.content, *place)))
    end = arrival.offset + len(arrival.content)
    if end < size:
        return _Upload(upload.number, blob_id, arrival.file, end), ""
    digest = _digest(connection, blob_id)
    if digest is None or digest != arrival.digest:
        _drop_blob(connection, blob_id)
        return _Upload(upload.number), "its content does not match its digest"
    blob_id = _shared(connection, blob_id, digest)
    _put_file(connection, attempt, arrival, blob=blob_id, left_out="")
    return _Upload(upload.number), ""


def _shared(connection: sqlite3.Connection, blob_id: int, digest: bytes) -> int:
    """Return the blob that holds a content from now on; a damaged one is replaced by the new one."""
    known = connection.execute("select id from file_blob where digest = ?", (digest,)).fetchone()
    if known is None:
        connection.execute("update file_blob set digest = ? where id = ?", (digest, blob_id))
        return blob_id
    (known_id,) = known
    if _digest(connection, known_id) == digest:
        _drop_blob(connection, blob_id)
        return int(known_id)
    connection.execute("update file set blob_id = ? where blob_id = ?", (blob_id, known_id))
    _drop_blob(connection, known_id)
    connection.execute("update file_blob set digest = ? where id = ?", (digest, blob_id))
    return blob_id


def _list_without_content(
    connection: sqlite3.Connection, attempt: AttemptState, arrival: FileArrived, why: str
) -> None:
    """Add a file without content to the list of files, within its limits."""
    count, _ = _others(connection, attempt, arrival)
    if not (complaint_of_name(arrival.file) or complaint_of_count(count)):
        _put_file(connection, attempt, arrival, blob=None, left_out=why)


def _put_file(
    connection: sqlite3.Connection,
    attempt: AttemptState,
    arrival: FileArrived,
    *,
    blob: int | None,
    left_out: str,
) -> None:
    """Replace the file of this name, unless a later attempt has stored it already."""
    namesakes = _namesakes(connection, attempt, arrival.file)
    if any(each.is_later for each in namesakes):
        _drop_unused(connection, [blob])
        return
    rows = [(each.attempt_id, arrival.file) for each in namesakes]
    connection.executemany("delete from file where attempt_id = ? and name = ?", rows)
    values = (attempt.id, arrival.file, arrival.size, arrival.time, blob, left_out[:MAX_LEFT_OUT])
    connection.execute(_PUT_FILE, values)
    totals = _totals(connection, attempt)
    totals.count += 1 - len(namesakes)
    totals.size += (0 if blob is None else arrival.size) - sum(each.size for each in namesakes)
    _drop_unused(connection, [each.blob for each in namesakes])


def _others(connection: sqlite3.Connection, attempt: AttemptState, arrival: FileArrived) -> tuple[int, int]:
    """Return the number of other files of the run, and the number of their bytes that are stored."""
    totals = _totals(connection, attempt)
    namesakes = _namesakes(connection, attempt, arrival.file)
    return totals.count - len(namesakes), totals.size - sum(each.size for each in namesakes)


def _totals(connection: sqlite3.Connection, attempt: AttemptState) -> FileTotals:
    """Return the totals of the run, which are counted once: a run may have thousands of files."""
    if attempt.run.files is None:
        attempt.run.files = FileTotals(*connection.execute(_TOTALS, (attempt.run.id,)).fetchone())
    return attempt.run.files


def _namesakes(connection: sqlite3.Connection, attempt: AttemptState, name: str) -> list[_Namesake]:
    found = connection.execute(_NAMESAKES, (attempt.number, attempt.run.id, name))
    return [_Namesake(key, blob, size, bool(is_later)) for key, blob, size, is_later in found]


def _drop_unused(connection: sqlite3.Connection, blobs: Iterable[int | None]) -> None:
    for each in blobs:
        if each is not None and connection.execute(_USED, (each,)).fetchone() is None:
            _drop_blob(connection, each)


def _digest(connection: sqlite3.Connection, blob_id: int) -> bytes | None:
    """Return the digest of a content; None if it is damaged."""
    digest, offset = hashlib.sha256(), 0
    try:
        while body := piece(connection, blob_id, offset):
            digest.update(body)
            offset += len(body)
    except DamagedPieceError:
        return None
    return digest.digest()


def _drop_blob(connection: sqlite3.Connection, blob_id: int) -> None:
    if blob_id:
        connection.execute("delete from file_piece where blob_id = ?", (blob_id,))
        connection.execute("delete from file_blob where id = ?", (blob_id,))


def _upload(connection: sqlite3.Connection, attempt_id: int) -> _Upload:
    row = connection.execute(
        "select number, blob_id, name, next_offset from file_upload where attempt_id = ?", (attempt_id,)
    ).fetchone()
    return _Upload() if row is None else _Upload(*row)


_PUT_UPLOAD = """
    insert into file_upload (attempt_id, number, blob_id, name, next_offset) values (?, ?, ?, ?, ?)
    on conflict (attempt_id) do update set
        number = excluded.number, blob_id = excluded.blob_id, name = excluded.name,
        next_offset = excluded.next_offset"""
_PUT_PIECE = "insert into file_piece (blob_id, first_offset, body, checksum) values (?, ?, ?, ?)"
_PUT_FILE = """
    insert into file (attempt_id, name, size, time, blob_id, left_out) values (?, ?, ?, ?, ?, ?)"""
_NAMESAKES = """
    select f.attempt_id, f.blob_id, case when f.blob_id is null then 0 else f.size end, a.number > ?
    from attempt a join file f on f.attempt_id = a.id where a.run_id = ? and f.name = ?"""
_USED = "select 1 from file where blob_id = ? limit 1"
_TOTALS = """
    select count(*), coalesce(sum(case when f.blob_id is null then 0 else f.size end), 0)
    from attempt a join file f on f.attempt_id = a.id where a.run_id = ?"""
_LIST = """
    select f.name, max(a.number), f.size, f.time, b.digest, f.left_out from run r
    join attempt a on a.run_id = r.id join file f on f.attempt_id = a.id
    left join file_blob b on b.id = f.blob_id
    where r.name = :run and f.name > :after group by f.name order by f.name limit :limit"""
_BLOB = """
    select f.blob_id from run r join attempt a on a.run_id = r.id join file f on f.attempt_id = a.id
    where r.name = ? and f.name = ? order by a.number desc limit 1"""
_PIECE = "select body, checksum from file_piece where blob_id = ? and first_offset = ?"
