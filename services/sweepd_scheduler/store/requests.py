"""Remembered requests and the quotas that they are charged to; see `domain/requests/remembered.py`."""

from collections.abc import Collection

from sweepd_kernel.sql.database import Connection
from sweepd_scheduler.domain.requests.remembered import (
    ALL_PROJECTS,
    EVERYBODY,
    Owner,
    Recollection,
    Remembered,
    RequestKey,
    Used,
    charged,
)
from sweepd_scheduler.store.changes import ADD_TO_QUOTA
from sweepd_scheduler.store.tables_sql import REQUEST, request_of

FORGOTTEN_AT_ONCE = 500
_FORGET = (
    "delete from request where (account, project, id) in"
    " (select account, project, id from request where time < ? order by time limit ?)"
    " returning account, project, size_bytes"
)


def recall(connection: Connection, keys: Collection[RequestKey]) -> Recollection:
    """Return what is remembered of some requests, and of the quotas that they are charged to."""
    owners = {owner for key in keys for owner in charged(key)} | {EVERYBODY}
    found = [(key, _request(connection, key)) for key in keys]
    return Recollection(
        requests={key: each for key, each in found if each},
        used={owner: _used(connection, owner) for owner in owners},
    )


def newest_time(connection: Connection) -> int:
    """Return the time of the newest request; 0: there is none."""
    row = connection.execute("select max(time) from request").first()
    return row[0] or 0 if row else 0


def forget(connection: Connection, before: int) -> None:
    """Forget requests that are old: a bounded number, as agents wait for commits meanwhile."""
    oldest = connection.execute("select min(time) from request").first()
    if oldest is None or oldest[0] is None or oldest[0] >= before:
        return
    with connection.transaction():
        gone = connection.execute(_FORGET, (before, FORGOTTEN_AT_ONCE)).all()
        freed = [(account, project, -size) for account, project, size in gone]
        freed += [(account, ALL_PROJECTS, -size) for account, _, size in gone]
        freed.append((*EVERYBODY, -sum(size for _, _, size in gone)))
        connection.execute_many(ADD_TO_QUOTA, freed)
        connection.execute("delete from request_quota where size_bytes <= 0")


def _request(connection: Connection, key: RequestKey) -> Remembered | None:
    row = connection.execute(
        f"select {REQUEST} from request where account = ? and project = ? and id = ?",
        (key.account, key.project, key.request_id),
    ).first()
    return request_of(row) if row else None


def _used(connection: Connection, owner: Owner) -> Used:
    where, count = " where account = ? and project = ?", 2
    if owner == EVERYBODY:
        where, count = "", 0
    elif owner[1] == ALL_PROJECTS:
        where, count = " where account = ?", 1
    size = connection.execute(
        "select size_bytes from request_quota where account = ? and project = ?", owner
    ).first()
    oldest = connection.execute(f"select min(time) from request{where}", owner[:count]).first()
    return Used(size_bytes=size[0] if size else 0, oldest=(oldest[0] or 0) if oldest else 0)
