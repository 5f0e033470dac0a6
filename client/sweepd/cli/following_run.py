"""Following a run that belongs to no sweep: by asking again, as no stream tells of it."""

from __future__ import annotations

from sweepd.calls.states import run_state
from sweepd.cli.output import note, put, write_document
from sweepd.cli.shapes import run_shape
from sweepd.cli.text import clean
from sweepd.client import Client
from sweepd.errors import ClientError
from sweepd.states import FINAL_RUN


def tell_gap(error: ClientError) -> None:
    """Say that the server is away, and waited for."""
    note(f"warning: reconnecting: {error.said}")


def watch_run(client: Client, name: str, output_format: str) -> str:
    """Write how a run changes, until it ends; return its final state."""
    before = ""
    for run in client.follow_run(name, on_gap=tell_gap):
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
