"""Following a run that belongs to no sweep: by asking again, as no stream tells of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sweepd import v1
from sweepd.cli.output import note, put, write_document
from sweepd.cli.shapes import run_shape, run_state
from sweepd.cli.states import FINAL_RUN
from sweepd.cli.text import clean
from sweepd.client import Client
from sweepd.errors import ClientError
from sweepd.follow import PASSING, FollowTimeout

_ASK_AGAIN_SECONDS = 1.0


def changes(client: Client, name: str, *, seconds: float | None = None) -> Iterator[v1.Run]:
    """Yield a run as it is, and again whenever it has changed; restarts of the server are waited for.

    Raises:
        FollowTimeout: so many seconds are over.
        ClientError: an error that no patience cures, as NOT_FOUND.
    """
    end = None if seconds is None else time.monotonic() + seconds
    known: v1.Run | None = None
    away = False
    while True:
        try:
            run = client.get_run(name)
            away = False
        except ClientError as error:
            if error.code not in PASSING:
                raise
            if not away:
                note(f"warning: reconnecting: {error.said}")
            away = True
        else:
            if run != known:
                known = run
                yield run
        left = _ASK_AGAIN_SECONDS if end is None else end - time.monotonic()
        if left <= 0:
            raise FollowTimeout
        time.sleep(min(_ASK_AGAIN_SECONDS, left))


def watch_run(client: Client, name: str, output_format: str) -> str:
    """Write how a run changes, until it ends; return its final state."""
    before = ""
    for run in changes(client, name):
        state = run_state(run)
        if output_format in ("json", "jsonl"):
            write_document({"type": "run", **run_shape(run)}, "jsonl")
        elif state != before:
            reason = f": {clean(run.reason)}" if run.reason else ""
            put(f"run {clean(run.name)} {state}{reason}\n")
        before = state
        if state in FINAL_RUN:
            break
    return before
