"""Progress of a sweep, gathered from the messages of its watch, and notices for people."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sweepd import v1
from sweepd.calls.states import run_state, sweep_state
from sweepd.cli.show.describe import end_reason, objective_notice, tells_objective
from sweepd.cli.show.rule_text import verdict_text
from sweepd.states import FINAL_RUN, FINAL_SWEEP
from sweepd.views.points import point
from sweepd.views.run import params_shape, run_shape
from sweepd.views.sweep import sweep_shape
from sweepd.views.text import cell, clean, number
from sweepd.views.values import real


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for a person."""

    text: str
    kind: Literal["run", "sweep", "warning"]


@dataclass(slots=True)
class Progress:
    """A sweep as its watch has shown it so far."""

    sweep: v1.Sweep | None = None
    # The live runs by name; of the others the state alone is kept.
    live: dict[str, v1.Run] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    best_value: float | None = None
    _best_run: str = ""
    _tells_runs: bool = False
    # The notice that the objective is missing; empty again once it is logged.
    _missing_notice: str = ""

    def apply(self, message: v1.WatchSweepResponse) -> list[Notice]:
        """Take a message in; return notices about it, oldest first."""
        before = self.sweep
        if message.HasField("sweep"):
            self.sweep = message.sweep
            self._take_best(message.sweep)
        notices = [notice for run in message.runs for notice in self._apply_run(run)]
        if message.HasField("sweep"):
            notices += self._sweep_notices(before, message.sweep)
        # The runs of the first snapshot are history; later snapshots tell what was missed.
        self._tells_runs = self._tells_runs or not message.snapshot_continues
        return notices

    @property
    def state(self) -> str:
        """State of the sweep; empty before the first message."""
        return sweep_state(self.sweep) if self.sweep is not None else ""

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
        """Number of runs that there will be; None where nothing bounds it."""
        if self.sweep is None or not self.sweep.HasField("planned_runs"):
            return None
        return self.sweep.planned_runs

    @property
    def shown_best(self) -> float | None:
        """The best value, unless all runs have failed."""
        return None if set(self.counts()) <= {"failed", "crashed"} else self.best_value

    def counts(self) -> dict[str, int]:
        """Return the number of runs in each state that occurs."""
        counts: dict[str, int] = {}
        for state in self.states.values():
            counts[state] = counts.get(state, 0) + 1
        return counts

    def _apply_run(self, run: v1.Run) -> Iterator[Notice]:
        state = run_state(run)
        before = self.states.get(run.name)
        self.states[run.name] = state
        if state in FINAL_RUN or state == "pending":
            self.live.pop(run.name, None)
        else:
            self.live[run.name] = run
        if self._improves(run):
            self.best_value, self._best_run = run.value, run.name
        if state != before and self._tells_runs:
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

    def _take_best(self, sweep: v1.Sweep) -> None:
        """Take the best from the sweep where a value counts only once its point has ended."""
        if _counts_at_the_end(sweep.spec) and sweep.HasField("best_value"):
            self.best_value, self._best_run = sweep.best_value, sweep.best_run

    def _improves(self, run: v1.Run) -> bool:
        if not run.HasField("value") or self.sweep is None or _counts_at_the_end(self.sweep.spec):
            return False
        if self.best_value is None:
            return True
        if self.sweep.spec.metric.goal == v1.GOAL_MAXIMIZE:
            return run.value > self.best_value
        return run.value < self.best_value

    def _is_best(self, run: v1.Run) -> bool:
        """Tell whether it is the sweep's best run: of several with one value, the one named so."""
        sweep = self.sweep
        if sweep is not None and sweep.best_run and sweep.best_value == self.best_value:
            return run.name == sweep.best_run
        return run.name == self._best_run

    def _ended(self, run: v1.Run, state: str) -> Notice:
        metric = self.sweep.spec.metric.name if self.sweep is not None else ""
        parts = [f"run {run.number} {state}"]
        if run.HasField("value"):
            good = state not in ("failed", "crashed")
            mark = " (best so far)" if good and self._is_best(run) else ""
            parts.append(f"{clean(metric)}={number(run.value)}{mark}")
        kind: Literal["run", "warning"] = "run" if state in ("finished", "stopped", "killed") else "warning"
        shape = run_shape(run)
        verdicts = shape["verdicts"]
        if state == "stopped" and isinstance(verdicts, list) and verdicts:
            parts.append(verdict_text(verdicts[-1]))
        elif run.reason and _lacks_objective(run, metric):
            if not self._missing_notice:
                self._missing_notice = clean(run.reason)
                parts.append(self._missing_notice)
                kind = "warning"
        elif run.reason:
            parts.append(clean(run.reason))
        elif state in ("failed", "crashed"):
            parts.append(end_reason(shape))
        return Notice("  ".join(filter(None, parts)), kind)

    def _sweep_notices(self, before: v1.Sweep | None, sweep: v1.Sweep) -> Iterator[Notice]:
        state = sweep_state(sweep)
        is_new = before is None or sweep_state(before) != state
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
            if not tells_objective(shape):
                yield Notice(missing, "warning")


def _lacks_objective(run: v1.Run, metric: str) -> bool:
    """Tell whether a run ended well without ever logging the objective: all give the same reason."""
    finished = run.state == v1.RUN_STATE_FINISHED
    has_value = run.HasField("best_value") or metric in run.logged_keys
    return finished and bool(metric) and not has_value


def _counts_at_the_end(spec: v1.SweepSpec) -> bool:
    """Tell whether what runs have shown so far may not be their value, or not that of their point."""
    changing = (v1.OBJECTIVE_VALUE_LAST, v1.OBJECTIVE_VALUE_MEAN)
    return spec.repeats > 1 or spec.metric.value in changing


def progress_line(progress: Progress) -> str:
    """Return where a sweep stands, in one line."""
    planned = progress.planned_runs
    counts = ", ".join(f"{count} {state}" for state, count in sorted(progress.counts().items()))
    best = "" if progress.shown_best is None else f"  best {cell(real(progress.shown_best))}"
    runs = f"{progress.ended_runs}/{'∞' if planned is None else planned} runs ({counts or 'none yet'})"
    return f"{progress.state}  {runs}{best}"


def _attempt(run: v1.Run) -> str:
    return f"attempt {run.attempt} " if run.attempt > 1 else ""


def _because(reason: str) -> str:
    return f": {clean(reason)}" if reason else ""
