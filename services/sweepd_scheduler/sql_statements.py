"""The owner's statements, made once from the columns; the driver keeps them prepared."""

from collections.abc import Sequence

from sweepd_scheduler.rows import ATTEMPT, ATTEMPT_KEY, PRIOR, RUN_FIXED, RUN_LIVE, SWEEP_FIXED, SWEEP_LIVE


def _insert(table: str, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"insert into {table} ({', '.join(columns)}) values ({marks})"  # noqa: S608 (our own names)


def _update(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    values = ", ".join(f"{column} = ?" for column in columns)
    found = " and ".join(f"{column} = ?" for column in key)
    return f"update {table} set {values} where {found}"  # noqa: S608 (our own names)


def _put(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    values = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return f"{_insert(table, (*key, *columns))} on conflict ({', '.join(key)}) do update set {values}"


INSERT_SWEEP = _insert("sweep", (*SWEEP_FIXED, *SWEEP_LIVE, "changed"))
UPDATE_SWEEP = _update("sweep", (*SWEEP_LIVE, "changed"), ("id",))
UPDATE_SPEC = _update("sweep", ("spec",), ("id",))
INSERT_RUN = _insert("run", (*RUN_FIXED, *RUN_LIVE, "changed"))
UPDATE_RUN = _update("run", (*RUN_LIVE, "changed"), ("sweep_id", "number"))
PUT_ATTEMPT = _put("attempt", ATTEMPT_KEY, ATTEMPT)
PUT_DETAILS = (
    _put("run_details", ("sweep_id", "run"), ("attempt", "sequence", "body"))
    + " where (excluded.attempt, excluded.sequence) > (run_details.attempt, run_details.sequence)"
)
# Of reports that come late or again only the one that is stored gives the run its name and tags.
NAME_RUN = (
    "update run set display_name = ?, tags = ?, changed = ? where sweep_id = ? and number = ?"
    " and (coalesce(display_name, '') <> ? or coalesce(tags, '[]') <> ?)"
    " and exists (select 1 from run_details d"
    " where d.sweep_id = run.sweep_id and d.run = run.number and d.attempt = ? and d.sequence = ?)"
)
PUT_RUNG = _put("rung", ("sweep_id", "rule", "rung", "run"), ("value",))
DROP_RUNG = "delete from rung where sweep_id = ? and rule = ? and rung = ? and run = ?"
PUT_GUARD = _put("agent_guard", ("sweep_id", "agent"), ("failures", "quarantine", "reason"))
DROP_GUARD = "delete from agent_guard where sweep_id = ? and agent = ?"
INSERT_PRIOR = _insert("prior_run", PRIOR)
INSERT_OBSERVATION = _insert(
    "observation",
    ("sweep_id", "number", "run", "event", "iterations", "value", "best", "worst", "last", "outcome"),
)
INSERT_EVENT = _insert("event", ("number", "time", "sweep_id", "run", "attempt", "kind", "detail"))
INSERT_REQUEST = _insert(
    "request", ("account", "project", "id", "fingerprint", "time", "size_bytes", "response")
)
ADD_TO_QUOTA = (
    "insert into request_quota (account, project, size_bytes) values (?, ?, ?)"
    " on conflict (account, project) do update set size_bytes = size_bytes + excluded.size_bytes"
)
FORGET_REQUESTS = (
    "delete from request where rowid in (select rowid from request where time < ? order by time limit ?)"
    " returning account, project, size_bytes"
)
