"""What a sweep and a run tell of themselves, as they stood when the server was last asked."""

from __future__ import annotations

from datetime import datetime

from sweepd import v1
from sweepd.cli.shapes import params_shape, run_shape, run_state, sweep_shape, sweep_state
from sweepd.cli.states import FINAL_RUN, FINAL_SWEEP, RUN_STATES
from sweepd.codec import point_from_message, spec_document
from sweepd.codec.details import plain_map
from sweepd.objects.values import time_of
from sweepd.spec.point import Json


class SweepRecord:
    """A sweep as it stood when the server was last asked; nothing here asks it again."""

    _message: v1.Sweep

    @property
    def name(self) -> str:
        """Full name: entity/project/id."""
        return self._message.name

    @property
    def id(self) -> str:
        """The last part of the name."""
        return self.name.rpartition("/")[2]

    @property
    def project(self) -> str:
        """The project that it lives in."""
        return self.name.split("/")[1]

    @property
    def entity(self) -> str:
        """The entity that its project belongs to."""
        return self.name.split("/")[0]

    @property
    def state(self) -> str:
        """`pending`, `running`, `paused`, then `finished`, `stopped`, `cancelled` or `failed`."""
        return sweep_state(self._message)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_SWEEP

    @property
    def reason(self) -> str | None:
        """One sentence: why it is paused, failed or ending; None where nothing needs saying."""
        return self._message.reason or None

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

    @property
    def create_time(self) -> datetime | None:
        """When it was created, in UTC."""
        return time_of(self._message.create_time)

    @property
    def start_time(self) -> datetime | None:
        """When its first run was handed out, in UTC."""
        return time_of(self._message.start_time)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC."""
        return time_of(self._message.end_time)

    def to_dict(self) -> dict[str, Json]:
        """Return all of it, in the JSON of `sweepctl get -o json`."""
        return sweep_shape(self._message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SweepRecord) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.run_counts.items() if count)
        best = "" if self.best_value is None else f"; best {self.metric} {self.best_value:.6g}"
        return f"<{type(self).__name__} {self.name} {self.state}: {counts or 'no runs'}{best}>"


class RunRecord:
    """A run as it stood when the server was last asked; nothing here asks it again.

    What its script told of it (`display_name`, `tags`, `notes`, `config`) is not part of lists of runs:
    `refresh` brings it.
    """

    _message: v1.Run

    @property
    def name(self) -> str:
        """Full name: entity/project/id."""
        return self._message.name

    @property
    def id(self) -> str:
        """The last part of the name."""
        return self.name.rpartition("/")[2]

    @property
    def sweep_name(self) -> str | None:
        """Full name of its sweep; None for a run by hand."""
        return self._message.sweep or None

    @property
    def display_name(self) -> str | None:
        """The name for people that its script gave it."""
        return self._message.details.display_name or None

    @property
    def tags(self) -> list[str]:
        """The tags that its script gave it."""
        return list(self._message.details.tags)

    @property
    def notes(self) -> str | None:
        """The notes of its script."""
        return self._message.details.notes or None

    @property
    def config(self) -> dict[str, Json]:
        """Its whole configuration, the script's own values included; before these are known, its point."""
        if not self._message.details.HasField("config"):
            return self.params
        return plain_map(self._message.details.config)

    @property
    def number(self) -> int:
        """Its place in the sweep, from 1; of a run by hand among those of its project."""
        return self._message.number

    @property
    def repeat(self) -> int:
        """With repeats: which of the runs of its point it is, from 0."""
        return self._message.repeat

    @property
    def state(self) -> str:
        """`pending`, `assigned`, `running`, then `finished`, `failed`, `crashed`, `stopped` or `killed`."""
        return run_state(self._message)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_RUN

    @property
    def reason(self) -> str | None:
        """One sentence: why it is in this state; None where nothing needs saying."""
        return self._message.reason or None

    @property
    def params(self) -> dict[str, Json]:
        """The point: what its program receives."""
        return params_shape(self._message)

    @property
    def value(self) -> float | None:
        """Its value for the search: best, last or mean of its iterations, by `metric.value`."""
        return self._message.value if self._message.HasField("value") else None

    @property
    def best_value(self) -> float | None:
        """The best finite value of the objective."""
        return self._message.best_value if self._message.HasField("best_value") else None

    @property
    def last_value(self) -> float | None:
        """The last finite value of the objective."""
        return self._message.last_value if self._message.HasField("last_value") else None

    @property
    def iterations(self) -> int:
        """Rows with a finite value of the objective."""
        return self._message.iterations

    @property
    def attempt(self) -> int:
        """Number of its newest attempt; 0 before the first."""
        return self._message.attempt

    @property
    def command(self) -> list[str]:
        """The arguments of its newest process; empty before there is one."""
        return next((list(attempt.argv) for attempt in reversed(self._message.attempts) if attempt.argv), [])

    @property
    def create_time(self) -> datetime | None:
        """When it was created, in UTC."""
        return time_of(self._message.create_time)

    @property
    def start_time(self) -> datetime | None:
        """When its first process started, in UTC."""
        return time_of(self._message.start_time)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC."""
        return time_of(self._message.end_time)

    def to_dict(self) -> dict[str, Json]:
        """Return all of it, attempts included, in the JSON of `sweepctl get -o json`."""
        return run_shape(self._message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunRecord) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        value = "" if self.value is None else f" {self.value:.6g}"
        params = ", ".join(f"{name}={shown!r}" for name, shown in self.params.items())
        if len(params) > 200:
            params = f"{params[:199]}…"
        return f"<{type(self).__name__} {self.name} {self.state}{value}: {params or 'no parameters'}>"
