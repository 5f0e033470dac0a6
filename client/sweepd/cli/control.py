"""What pause, resume and stop share: one sweep, one call, one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sweepd.cli.settings import current_settings

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


def control(text: str, output_format: str, action: Callable[[Client, str], v1.Sweep], done: str) -> None:
    """Carry out `action` on the sweep that `text` names, and show what it is now."""
    from sweepd.cli.connection import connect

    with connect(current_settings()) as client:
        tell_sweep(action(client, client.sweep_name(text)), output_format, done)


def tell_sweep(sweep: v1.Sweep, output_format: str, done: str) -> None:
    """Show a sweep that was changed: its name or its JSON on stdout, what is to be said of it on stderr."""
    from sweepd.calls.states import sweep_state
    from sweepd.cli.output import note, put, write_document
    from sweepd.cli.shapes import sweep_shape
    from sweepd.cli.text import live_runs_go_on

    if output_format in ("json", "jsonl", "yaml"):
        write_document(sweep_shape(sweep), output_format)
        return
    put(f"{sweep.name}\n")
    live = sweep.run_counts.running + sweep.run_counts.assigned
    state = sweep_state(sweep)
    parts = [done]
    if state != done.lower() and not sweep.ending:
        parts.append(f"it is {state}")
    if live:
        parts.append(live_runs_go_on(live))
    note("; ".join(parts) + ".")
