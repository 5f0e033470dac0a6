"""What a sweep tells of itself, as it stood when the server was last asked."""

from __future__ import annotations

from sweepd import v1
from sweepd.calls.states import sweep_state
from sweepd.cli.shapes import sweep_shape
from sweepd.codec import point_from_message, spec_document
from sweepd.objects.record import Record
from sweepd.spec.point import Json
from sweepd.states import FINAL_SWEEP, RUN_STATES


class SweepRecord(Record[v1.Sweep]):
    """A sweep as it stood when the server was last asked; nothing here asks it again."""

    @property
    def state(self) -> str:
        """`pending`, `running`, `paused`, then `finished`, `stopped`, `cancelled` or `failed`."""
        return sweep_state(self._message)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_SWEEP

    @property
    def config(self) -> dict[str, object]:
        """The configuration as a file would say it, with the seed that was drawn."""
        return spec_document(self._message.spec)

    @property
    def display_name(self) -> str | None:
        """The name for people."""
        return self._message.spec.name or None

    @property
    def description(self) -> str | None:
        """The text for people."""
        return self._message.spec.description or None

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return list(self._message.spec.tags)

    @property
    def metadata(self) -> dict[str, Json]:
        """Its metadata."""
        return dict(point_from_message(self._message.spec.metadata))

    @property
    def metric(self) -> str | None:
        """The name of the objective."""
        return self._message.spec.metric.name or None

    @property
    def goal(self) -> str:
        """`minimize` or `maximize`."""
        return "maximize" if self._message.spec.metric.goal == v1.GOAL_MAXIMIZE else "minimize"

    @property
    def run_counts(self) -> dict[str, int]:
        """The number of runs in each state."""
        counts = self._message.run_counts
        return {state: int(getattr(counts, state)) for state in RUN_STATES}

    @property
    def planned_runs(self) -> int | None:
        """Runs that there will be; None: unbounded, or not known."""
        return self._message.planned_runs if self._message.HasField("planned_runs") else None

    @property
    def best_value(self) -> float | None:
        """The best value so far; None before there is one."""
        return self._message.best_value if self._message.HasField("best_value") else None

    @property
    def best_run(self) -> str | None:
        """Full name of the run that has it, with repeats the first one of its point."""
        return self._message.best_run or None

    @property
    def revision(self) -> int:
        """1 at first, one more with each edit."""
        return self._message.revision

    @property
    def connected_agents(self) -> int:
        """Agents connected for it."""
        return self._message.connected_agents

    def to_dict(self) -> dict[str, Json]:
        """Return all of it, in the JSON of `sweepctl get -o json`."""
        return sweep_shape(self._message)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.run_counts.items() if count)
        best = "" if self.best_value is None else f"; best {self.metric} {self.best_value:.6g}"
        return f"<{type(self).__name__} {self.name} {self.state}: {counts or 'no runs'}{best}>"
