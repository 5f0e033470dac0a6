"""Functions that watch sweeps and their runs by stream, and lists and standalone runs by polling."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls.following import TRANSIENT
from sweepd.calls.names import Named
from sweepd.cli.commands.define.creation import agent_command
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import Output, note, put, table_text, write_chosen, write_document
from sweepd.cli.settings import current_settings
from sweepd.cli.show.outcome import next_command, worked
from sweepd.cli.show.progress import Notice, Progress, View, progress_line, view_on
from sweepd.errors import ClientError
from sweepd.states import FINAL_RUN, GOOD_ENDS, state_of
from sweepd.views.rows import Column, Row, lookup
from sweepd.views.run import run_shape
from sweepd.views.sweep import sweep_shape
from sweepd.views.text import clean

if TYPE_CHECKING:
    from sweepd.client import Client

_POLL_SECONDS = 1.0
_HOME = "\x1b[H"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"


def end_code(state: str) -> ExitCode:
    """Return the exit code for a final state of a sweep or a run."""
    return ExitCode.OK if state in GOOD_ENDS else ExitCode.ENDED_BADLY


def follow(client: Client, named: Named, output_format: str) -> int:
    """Write the changes of a sweep or a run until it ends; return the exit code for its final state."""
    # Call the server first, so that an unreachable server is an error: the watch would retry.
    run = client.get_run(named.name) if named.is_run else None
    if run is not None and not run.sweep:
        return end_code(watch_run(client, run.name, output_format))
    sweep = run.sweep if run is not None else client.get_sweep(named.name).name
    if output_format in ("json", "jsonl"):
        return _watch_lines(client, sweep, run.name if run is not None else None)
    with view_on(sys.stdout, current_settings()) as view:
        return _watch_view(client, sweep, run.name if run is not None else None, view)


def repeat_rows(
    read: Callable[[], list[Row]],
    output: Output,
    columns: Callable[[list[Row]], Sequence[Column]],
    *,
    key: str,
) -> None:
    """Show a list until Ctrl-C: redraw it on a terminal, append changed rows in a pipe.

    A redrawn list is cut to the height of the terminal. Structured formats are never redrawn.
    """
    redraws = current_settings().redraws(sys.stdout) and not output.structured
    known: dict[str, Row] = {}
    unavailable = False
    while True:
        try:
            rows = read()
            unavailable = False
        except ClientError as error:
            if error.code not in TRANSIENT:
                raise
            if not unavailable:
                warn_of_gap(error)
            unavailable = True
            rows = []
        if redraws and not unavailable:
            put(f"{_HOME}{_screen(rows, output, columns(rows))}{_CLEAR_BELOW}")
        elif not redraws:
            changed = [row for row in reversed(rows) if known.get(str(lookup(row, key))) != row]
            known.update((str(lookup(row, key)), row) for row in rows)
            if changed:
                write_chosen(changed, output, columns(changed), name=key)
        time.sleep(_POLL_SECONDS)


def _screen(rows: list[Row], output: Output, columns: Sequence[Column]) -> str:
    """Return the lines that fit the terminal, each followed by the code that clears the rest of the line."""
    lines = table_text(rows, output, columns)[0].splitlines() if rows else ["nothing to show yet"]
    room = shutil.get_terminal_size().lines - 1
    if len(lines) > room:
        shown = max(room - 1, 1)
        lines = [*lines[:shown], f"… and {len(lines) - shown} more"]
    return "".join(f"{line}{_CLEAR_LINE}\n" for line in lines)


def _watch_view(client: Client, sweep: str, run: str | None, view: View) -> int:
    progress = Progress()
    start_shown = agents_shown = False
    for message in client.follow_sweep(sweep, on_gap=lambda error: view.notify(_gap_notice(error))):
        for notice in progress.apply(_filtered(message, run)):
            if run is None or notice.kind != "sweep":
                view.notify(notice)
        if run is None:
            view.show(progress)
        if not start_shown and not message.snapshot_continues:
            start_shown = True
            view.notify(Notice(_first_line(progress, run), "sweep"))
        if not agents_shown and run is None and start_shown and _lacks_agents(progress.sweep):
            agents_shown = True
            assert progress.sweep is not None
            line = agent_command(sweep, client.address, requires=progress.sweep.spec.requires)
            view.notify(Notice(f"no agent is connected. Start one:  {line}", "warning"))
        state = _final_state(progress, run)
        if state and not message.snapshot_continues:
            if run is None and progress.sweep is not None and not worked(progress.sweep):
                note(f"Next:\n  {next_command(client, progress.sweep)}")
            return end_code(state)
    return ExitCode.FAILURE


def _first_line(progress: Progress, run: str | None) -> str:
    """Return the first line about the watched sweep or run."""
    return progress_line(progress) if run is None else f"run {clean(run)} {progress.states.get(run, '')}"


def _lacks_agents(sweep: v1.Sweep | None) -> bool:
    """Return True if a sweep waits for an agent."""
    waits = (v1.SWEEP_STATE_PENDING, v1.SWEEP_STATE_RUNNING)
    return sweep is not None and sweep.state in waits and not sweep.ending and not sweep.connected_agents


def _watch_lines(client: Client, sweep: str, run: str | None) -> int:
    progress = Progress()
    for message in client.follow_sweep(sweep, on_gap=warn_of_gap):
        wanted = _filtered(message, run)
        progress.apply(wanted)
        if wanted.HasField("sweep") and run is None:
            write_document({"type": "sweep", **sweep_shape(wanted.sweep)}, "jsonl")
        for changed in wanted.runs:
            write_document({"type": "run", **run_shape(changed)}, "jsonl")
        state = _final_state(progress, run)
        if state and not message.snapshot_continues:
            return end_code(state)
    return ExitCode.FAILURE


def _filtered(message: v1.WatchSweepResponse, run: str | None) -> v1.WatchSweepResponse:
    """Return the message with only the watched run; unchanged if `run` is None."""
    if run is None:
        return message
    kept: Sequence[v1.Run] = [changed for changed in message.runs if changed.name == run]
    sweep = message.sweep if message.HasField("sweep") else None
    return v1.WatchSweepResponse(sweep=sweep, runs=kept, snapshot_continues=message.snapshot_continues)


def _final_state(progress: Progress, run: str | None) -> str:
    """Return the final state of the watched sweep or run; empty until it has ended."""
    if run is None:
        return progress.state if progress.ended else ""
    state = progress.states.get(run, "")
    return state if state in FINAL_RUN else ""


def _gap_notice(error: ClientError) -> Notice:
    return Notice(f"reconnecting: {error.said}", "warning")


def warn_of_gap(error: ClientError) -> None:
    """Warn that the connection was lost and the client reconnects."""
    note(f"warning: reconnecting: {error.said}")


def watch_run(client: Client, name: str, output_format: str) -> str:
    """Write the changes of a run until it ends; return its final state."""
    before = ""
    for run in client.follow_run(name, on_gap=warn_of_gap):
        state = state_of(run)
        if output_format in ("json", "jsonl"):
            write_document({"type": "run", **run_shape(run)}, "jsonl")
        elif state != before:
            reason = f": {clean(run.reason)}" if run.reason else ""
            put(f"run {clean(run.name)} {state}{reason}\n")
        before = state
        if state in FINAL_RUN:
            break
    return before
