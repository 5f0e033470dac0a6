"""Progress of a sweep, built from the messages of its watch stream; notices, and a view for pipes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self, TextIO

from sweepd import v1
from sweepd.cli.settings import Settings
from sweepd.cli.show.describe import end_reason, objective_notice, reason_states_objective, verdict_text
from sweepd.states import BAD_ENDS, FINAL_RUN, FINAL_SWEEP, state_of
from sweepd.views.rows import point, rows_of
from sweepd.views.run import params_shape, run_shape
from sweepd.views.sweep import sweep_shape
from sweepd.views.text import cell, clean, number
from sweepd.views.values import real

_LINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Notice:
    """One-line message for the user."""

    text: str
    kind: Literal["run", "sweep", "warning"]


@dataclass(slots=True)
class Progress:
    """State of a sweep and its runs, built from the messages of the watch stream."""

    sweep: v1.Sweep | None = None
    # Live runs by name; other runs are only in `states`.
    live: dict[str, v1.Run] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    _reports_runs: bool = False
    # Notice that the objective is missing; cleared once the objective is logged.
    _missing_notice: str = ""

    def apply(self, message: v1.WatchSweepResponse) -> list[Notice]:
        """Apply a message; return notices about the changes, oldest first."""
        before = self.sweep
        if message.HasField("sweep"):
            self.sweep = message.sweep
        notices = [notice for run in message.runs for notice in self._apply_run(run)]
        if message.HasField("sweep"):
            notices += self._sweep_notices(before, message.sweep)
        # The first snapshot gives no notices about runs; later snapshots contain missed changes.
        self._reports_runs = self._reports_runs or not message.snapshot_continues
        return notices

    @property
    def state(self) -> str:
        """State of the sweep; empty before the first message."""
        return state_of(self.sweep) if self.sweep is not None else ""

    @property
    def ended(self) -> bool:
        """True once the sweep is in a final state."""
        return self.state in FINAL_SWEEP

    @property
    def ended_runs(self) -> int:
        """Number of runs in a final state."""
        return sum(state in FINAL_RUN for state in self.states.values())

    @property
    def planned_runs(self) -> int | None:
        """Total number of runs planned; None if unbounded."""
        if self.sweep is None or not self.sweep.HasField("planned_runs"):
            return None
        return self.sweep.planned_runs

    @property
    def shown_best(self) -> float | None:
        """Best value; None if there is no value or all runs have failed."""
        if self.sweep is None or not self.sweep.HasField("best_value"):
            return None
        return None if set(self.states.values()) <= {*BAD_ENDS} else self.sweep.best_value

    def counts(self) -> Counter[str]:
        """Return the number of runs in each state."""
        return Counter(self.states.values())

    def _apply_run(self, run: v1.Run) -> Iterator[Notice]:
        state = state_of(run)
        before = self.states.get(run.name)
        self.states[run.name] = state
        if state in FINAL_RUN or state == "pending":
            self.live.pop(run.name, None)
        else:
            self.live[run.name] = run
        if state != before and self._reports_runs:
            if state in FINAL_RUN:
                yield self._ended(run, state)
            elif state == "running":
                yield Notice(
                    f"run {run.number} {_attempt(run)}started  {point(dict(params_shape(run)))}", "run"
                )
            elif state == "pending" and before is not None:
                yield Notice(
                    f"run {run.number} waits to be handed out again{_because(run.reason)}", "warning"
                )

    def _ended(self, run: v1.Run, state: str) -> Notice:
        metric = self.sweep.spec.metric.name if self.sweep is not None else ""
        parts = [f"run {run.number} {state}"]
        if run.HasField("value"):
            is_best = self.sweep is not None and self.sweep.best_run == run.name and state not in BAD_ENDS
            mark = " (best so far)" if is_best else ""
            parts.append(f"{clean(metric)}={number(run.value)}{mark}")
        kind: Literal["run", "warning"] = "run" if state in ("finished", "stopped", "killed") else "warning"
        shape = run_shape(run)
        verdicts = rows_of(shape["verdicts"])
        if state == "stopped" and verdicts:
            parts.append(verdict_text(verdicts[-1]))
        elif run.reason and _lacks_objective(run, metric):
            if not self._missing_notice:
                self._missing_notice = clean(run.reason)
                parts.append(self._missing_notice)
                kind = "warning"
        elif run.reason:
            parts.append(clean(run.reason))
        elif state in BAD_ENDS:
            parts.append(end_reason(shape))
        return Notice("  ".join(filter(None, parts)), kind)

    def _sweep_notices(self, before: v1.Sweep | None, sweep: v1.Sweep) -> Iterator[Notice]:
        state = state_of(sweep)
        is_new = before is None or state_of(before) != state
        reason = clean(sweep.reason) if before is None or sweep.reason != before.reason else ""
        shape = sweep_shape(sweep)
        missing = objective_notice(shape)
        if not missing:
            self._missing_notice = ""
        if self._missing_notice and reason:
            reason = reason.replace(f": {self._missing_notice}", "")
        if sweep.ending and state not in FINAL_SWEEP:
            if before is None or sweep.ending != before.ending:
                yield Notice(f"no new runs: {reason or cell(shape['ending'])}", "sweep")
        elif is_new or reason:
            yield Notice(f"sweep {state}{f': {reason}' if reason else ''}", "sweep")
        if missing and not self._missing_notice:
            self._missing_notice = missing
            if not reason_states_objective(shape):
                yield Notice(missing, "warning")


def _lacks_objective(run: v1.Run, metric: str) -> bool:
    """Return True if a run finished without logging the objective; such runs all have the same reason."""
    finished = run.state == v1.RUN_STATE_FINISHED
    has_value = run.HasField("best_value") or metric in run.logged_keys
    return finished and bool(metric) and not has_value


def progress_line(progress: Progress) -> str:
    """Return the progress of a sweep in one line."""
    planned = progress.planned_runs
    counts = ", ".join(f"{count} {state}" for state, count in sorted(progress.counts().items()))
    best = "" if progress.shown_best is None else f"  best {cell(real(progress.shown_best))}"
    runs = f"{progress.ended_runs}/{'∞' if planned is None else planned} runs ({counts or 'none yet'})"
    return f"{progress.state}  {runs}{best}"


def _attempt(run: v1.Run) -> str:
    return f"attempt {run.attempt} " if run.attempt > 1 else ""


def _because(reason: str) -> str:
    return f": {clean(reason)}" if reason else ""


class View(AbstractContextManager["View"], Protocol):
    """Display of progress."""

    def notify(self, notice: Notice) -> None:
        """Write a permanent notice."""

    def show(self, progress: Progress) -> None:
        """Show the progress of the sweep."""


def view_on(stream: TextIO, settings: Settings) -> View:
    """Return a view that writes to `stream`: redrawn on a terminal, plain lines in a pipe."""
    if not settings.redraws(stream):
        return LineView(stream)
    from sweepd.cli.show.live_view import LiveView

    return LiveView(stream, colored=settings.colored(stream))


class LineView:
    """View that writes a line for each notice, and at intervals a progress line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = ""
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._stream.flush()

    def notify(self, notice: Notice) -> None:
        """Write a line."""
        mark = "warning: " if notice.kind == "warning" else ""
        self._stream.write(f"{time.strftime('%H:%M:%S')} {mark}{notice.text}\n")
        self._stream.flush()

    def show(self, progress: Progress) -> None:
        """Write the progress line if it has changed and the last one is old enough."""
        line = progress_line(progress)
        if line != self._shown and time.monotonic() - self._shown_at >= _LINE_SECONDS:
            self._shown, self._shown_at = line, time.monotonic()
            self.notify(Notice(line, "sweep"))
