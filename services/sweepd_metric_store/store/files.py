"""Storage of files: deduplicated blobs, in pieces; an attempt uploads one file at a time."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sweepd.file_limits import MAX_PIECE_BYTES, complaint_of_name
from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.database import Connection
from sweepd_metric_store.domain.checksum import checksum, is_intact
from sweepd_metric_store.domain.files import (
    MAX_LEFT_OUT,
    MAX_NUMBER,
    complaint_of_count,
    complaint_of_size,
    follows,
)
from sweepd_metric_store.ports import FileArrived, FilePage, Stored, StoredFile
from sweepd_metric_store.store.ledger import AttemptState, FileTotals
from sweepd_metric_store.store.tables_sql import (
    FILE,
    FILE_BLOB,
    FILE_PIECE,
    FILE_UPLOAD,
    file_blob_values,
    file_piece_values,
    file_upload_values,
    file_values,
)

_BLOB_ID_BITS = 62
"""Ids are random, so that no blob gets the id of a deleted blob that is still being read."""


class DamagedPieceError(Exception):
    """A piece of a blob is damaged."""


@dataclass(frozen=True, slots=True)
class _Upload:
    """Cursor of an attempt, and the file being uploaded (`blob` 0: none)."""

    number: int = 0
    blob: int = 0
    name: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class _Namesake:
    """A file of the same run and name; `size` is its number of stored bytes."""

    attempt_id: int
    blob: int | None
    size: int
    is_later: bool


def store(connection: Connection, attempt: AttemptState, arrival: FileArrived) -> Stored:
    """Store one piece in the open transaction."""
    upload = _upload(connection, attempt.id)
    if arrival.number > MAX_NUMBER:
        return Stored(name=arrival.name, cursor=upload.number, rejection="the piece number is too large")
    if not follows(arrival.number, upload.number):
        return Stored(name=arrival.name, cursor=upload.number)
    rejection = _refusal(connection, attempt, arrival, upload)
    if rejection or arrival.left_out or arrival.offset == 0:
        _drop_blob(connection, upload.blob)
        upload = _Upload(upload.number)
    if rejection or arrival.left_out:
        _list_without_content(connection, attempt, arrival, arrival.left_out or rejection)
    else:
        upload, rejection = _store_content(connection, attempt, arrival, upload)
    row = file_upload_values(
        attempt_id=attempt.id,
        number=arrival.number,
        blob_id=upload.blob,
        name=upload.name,
        next_offset=upload.offset,
    )
    connection.execute(FILE_UPLOAD.upsert, row)
    return Stored(name=arrival.name, cursor=arrival.number, rejection=rejection, fresh=True)


def page(connection: Connection, run: str, after: str, limit: int) -> FilePage:
    """Return the files of a run in order of name, each from the newest attempt that has it."""
    rows = connection.execute(_LIST, {"run": run, "after": after, "limit": limit + 1}).all()
    files = [
        StoredFile(name=name, attempt=attempt, size=size, time=time, digest=digest or b"", left_out=left_out)
        for name, attempt, size, time, digest, left_out in rows[:limit]
    ]
    return FilePage(files=files, rest=files[-1].name if len(rows) > limit else None)


def blob(connection: Connection, run: str, name: str) -> int | None:
    """Return the blob id of a file; None if there is no such file, or no content."""
    row = connection.execute(_BLOB, (run, name)).first()
    return None if row is None or row[0] is None else int(row[0])


def piece(connection: Connection, blob_id: int, offset: int) -> bytes | None:
    """Return the piece of a blob at `offset`; empty at the end, None if the blob was deleted.

    Raises:
        DamagedPieceError: the piece is damaged.
    """
    try:
        row = connection.execute(_PIECE, (blob_id, offset)).first()
    except DamagedError as error:
        raise DamagedPieceError from error
    if row is not None:
        if not is_intact(row[:-1], row[-1]):
            raise DamagedPieceError
        body: bytes = row[-2]
        return body
    return b"" if _size(connection, blob_id) == offset else None


def _size(connection: Connection, blob_id: int) -> int | None:
    row = connection.execute("select size from file_blob where id = ?", (blob_id,)).first()
    return None if row is None else int(row[0])


def _refusal(connection: Connection, attempt: AttemptState, arrival: FileArrived, upload: _Upload) -> str:
    """Return the reason why a piece is permanently refused; "" if it is not."""
    if complaint := complaint_of_name(arrival.file):
        return complaint
    if arrival.left_out or arrival.offset == 0:
        count, size = _others(connection, attempt, arrival)
        if complaint := complaint_of_count(count):
            return complaint
        return "" if arrival.left_out else complaint_of_size(arrival.size, others=size)
    if (arrival.file, arrival.offset) != (upload.name, upload.offset):
        return "its pieces are not consecutive"
    return ""


def _store_content(
    connection: Connection, attempt: AttemptState, arrival: FileArrived, upload: _Upload
) -> tuple[_Upload, str]:
    """Store the bytes of a piece; the last piece completes the file."""
    blob_id = upload.blob
    size = (_size(connection, blob_id) if blob_id else None) or arrival.size
    if len(arrival.content) > MAX_PIECE_BYTES or arrival.offset + len(arrival.content) > size:
        _drop_blob(connection, blob_id)
        return _Upload(upload.number), "it has more bytes than allowed"
    if not blob_id:
        blob_id = secrets.randbits(_BLOB_ID_BITS) + 1
        connection.execute(FILE_BLOB.insert, file_blob_values(id=blob_id, digest=None, size=size))
    if arrival.content:
        row = file_piece_values(
            blob_id=blob_id,
            first_offset=arrival.offset,
            body=arrival.content,
            checksum=checksum((blob_id, arrival.offset, arrival.content)),
        )
        connection.execute(FILE_PIECE.insert, row)
    end = arrival.offset + len(arrival.content)
    if end < size:
        return _Upload(upload.number, blob_id, arrival.file, end), ""
    digest = _digest(connection, blob_id)
    if digest is None or digest != arrival.digest:
        _drop_blob(connection, blob_id)
        return _Upload(upload.number), "its content does not match its digest"
    blob_id = _deduplicated(connection, blob_id, digest)
    _put_file(connection, attempt, arrival, blob=blob_id, left_out="")
    return _Upload(upload.number), ""


def _deduplicated(connection: Connection, blob_id: int, digest: bytes) -> int:
    """Return the blob to keep: an intact stored duplicate, else the new one; drop the other."""
    known = connection.execute("select id from file_blob where digest = ?", (digest,)).first()
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
    connection: Connection, attempt: AttemptState, arrival: FileArrived, why: str
) -> None:
    """Add a file without content to the list of files, unless its name or a limit forbids it."""
    count, _ = _others(connection, attempt, arrival)
    if not (complaint_of_name(arrival.file) or complaint_of_count(count)):
        _put_file(connection, attempt, arrival, blob=None, left_out=why)


def _put_file(
    connection: Connection, attempt: AttemptState, arrival: FileArrived, *, blob: int | None, left_out: str
) -> None:
    """Store a file in place of any earlier one of this name, unless a later attempt has stored it."""
    namesakes = _namesakes(connection, attempt, arrival.file)
    if any(each.is_later for each in namesakes):
        _drop_unused(connection, [blob])
        return
    connection.execute_many(FILE.delete, [(each.attempt_id, arrival.file) for each in namesakes])
    row = file_values(
        attempt_id=attempt.id,
        name=arrival.file,
        size=arrival.size,
        time=arrival.time,
        blob_id=blob,
        left_out=left_out[:MAX_LEFT_OUT],
    )
    connection.execute(FILE.insert, row)
    totals = _totals(connection, attempt)
    totals.count += 1 - len(namesakes)
    totals.size += (0 if blob is None else arrival.size) - sum(each.size for each in namesakes)
    _drop_unused(connection, [each.blob for each in namesakes])


def _others(connection: Connection, attempt: AttemptState, arrival: FileArrived) -> tuple[int, int]:
    """Return the number of other files of the run, and the total of their stored bytes."""
    totals = _totals(connection, attempt)
    namesakes = _namesakes(connection, attempt, arrival.file)
    return totals.count - len(namesakes), totals.size - sum(each.size for each in namesakes)


def _totals(connection: Connection, attempt: AttemptState) -> FileTotals:
    """Return the file totals of the run, counted only once, since a run may have thousands of files."""
    if attempt.run.files is None:
        count, size = connection.execute(_TOTALS, (attempt.run.id,)).first() or (0, 0)
        attempt.run.files = FileTotals(count, int(size))
    return attempt.run.files


def _namesakes(connection: Connection, attempt: AttemptState, name: str) -> list[_Namesake]:
    found = connection.execute(_NAMESAKES, (attempt.number, attempt.run.id, name))
    return [_Namesake(key, blob, size, bool(is_later)) for key, blob, size, is_later in found]


def _drop_unused(connection: Connection, blobs: Iterable[int | None]) -> None:
    for each in blobs:
        if each is not None and connection.execute(_USED, (each,)).first() is None:
            _drop_blob(connection, each)


def _digest(connection: Connection, blob_id: int) -> bytes | None:
    """Return the digest of a blob, or None if it is damaged."""
    digest, offset = hashlib.sha256(), 0
    try:
        while body := piece(connection, blob_id, offset):
            digest.update(body)
            offset += len(body)
    except DamagedPieceError:
        return None
    return digest.digest()


def _drop_blob(connection: Connection, blob_id: int) -> None:
    if blob_id:
        connection.execute("delete from file_piece where blob_id = ?", (blob_id,))
        connection.execute(FILE_BLOB.delete, (blob_id,))


def _upload(connection: Connection, attempt_id: int) -> _Upload:
    row = connection.execute(
        "select number, blob_id, name, next_offset from file_upload where attempt_id = ?", (attempt_id,)
    ).first()
    return _Upload() if row is None else _Upload(*row)


_NAMESAKES = """
    select f.attempt_id, f.blob_id, case when f.blob_id is null then 0 else f.size end, a.number > ?
    from attempt a join file f on f.attempt_id = a.id where a.run_id = ? and f.name = ?"""
_USED = "select 1 from file where blob_id = ? limit 1"
_TOTALS = """
    select count(*), coalesce(sum(case when f.blob_id is null then 0 else f.size end), 0)
    from attempt a join file f on f.attempt_id = a.id where a.run_id = ?"""
# A run has one file of each name, from the newest attempt.
_LIST = """
    select f.name, a.number, f.size, f.time, b.digest, f.left_out from run r
    join attempt a on a.run_id = r.id join file f on f.attempt_id = a.id
    left join file_blob b on b.id = f.blob_id
    where r.name = :run and f.name > :after order by f.name limit :limit"""
_BLOB = """
    select f.blob_id from run r join attempt a on a.run_id = r.id join file f on f.attempt_id = a.id
    where r.name = ? and f.name = ? order by a.number desc limit 1"""
_PIECE = f"select {FILE_PIECE} from file_piece where blob_id = ? and first_offset = ?"
