"""What a run shows of the objective: best values, the target, runs that end well without ever logging it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweepd.spec import Goal, Metric

MISSING_RUNS_BEFORE_PAUSE = 3
MAX_KEYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveMissing:
    """Runs in a row that ended well and never logged the objective, and what they did log."""

    consecutive_runs: int
    logged_keys: tuple[str, ...]

    @property
    def pauses(self) -> bool:
        """Whether it is no accident any more."""
        return self.consecutive_runs >= MISSING_RUNS_BEFORE_PAUSE


def better(value: float, than: float | None, goal: Goal) -> bool:
    """Tell whether a value beats another one; ties do not."""
    if than is None:
        return True
    return value < than if goal is Goal.MINIMIZE else value > than


def reaches_target(metric: Metric, value: float) -> bool:
    """Tell whether a finite value is as good as the target."""
    if metric.target is None:
        return False
    return value <= metric.target if metric.goal is Goal.MINIMIZE else value >= metric.target


def one_more(missing: ObjectiveMissing | None, logged_keys: Sequence[str]) -> ObjectiveMissing:
    """Count one more run that ended well without the objective."""
    keys = set(logged_keys) | set(missing.logged_keys if missing else ())
    count = missing.consecutive_runs + 1 if missing else 1
    return ObjectiveMissing(consecutive_runs=count, logged_keys=tuple(sorted(keys)[:MAX_KEYS]))


def missing_sentence(metric: Metric, logged_keys: Sequence[str]) -> str:
    """Say what was logged in place of the objective."""
    if not logged_keys:
        return f"your script logged nothing; the sweep optimises `{metric.name}`"
    shown = ", ".join(f"`{key}`" for key in logged_keys[:10]) + (", …" if len(logged_keys) > 10 else "")
    return f"your script logged {shown}; the sweep optimises `{metric.name}`"


def pause_sentence(metric: Metric, missing: ObjectiveMissing) -> str:
    """Say why a sweep pauses by itself, and what to do."""
    told = missing_sentence(metric, missing.logged_keys)
    remedy = "fix the script and resume, or name the right metric in a new sweep"
    return f"{missing.consecutive_runs} runs in a row ended well without the objective: {told}; {remedy}"
