"""What a run tells of itself, as it stood when the server was last asked."""

from __future__ import annotations

from sweepd import v1
from sweepd.calls.states import run_state
from sweepd.cli.point_text import param_paths
from sweepd.cli.rows import lookup
from sweepd.cli.shapes import params_shape, run_shape
from sweepd.codec.details import plain_map
from sweepd.objects.record import Record
from sweepd.spec.point import Json
from sweepd.states import FINAL_RUN


class RunRecord(Record[v1.Run]):
    """A run as it stood when the server was last asked; nothing here asks it again.

    What its script told of it besides name and tags (`notes`, `config`) is not part of lists of runs, nor of
    what is watched: `refresh` brings it.
    """

    @property
    def sweep_name(self) -> str | None:
        """Full name of its sweep; None for a run by hand."""
        return self._message.sweep or None

    @property
    def display_name(self) -> str | None:
        """The name for people that its script gave it; at most 1,000 characters."""
        return self._message.display_name or None

    @property
    def tags(self) -> list[str]:
        """The tags that its script gave it; in lists the first of them, up to about 1,000 characters."""
        return list(self._message.details.tags or self._message.tags)

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

    def to_dict(self) -> dict[str, Json]:
        """Return all of it, attempts included, in the JSON of `sweepctl get -o json`."""
        return run_shape(self._message)

    def __repr__(self) -> str:
        value = "" if self.value is None else f" {self.value:.6g}"
        point = self.params
        params = ", ".join(f"{name}={_brief(lookup(point, name))}" for name in param_paths([point]))
        if len(params) > 200:
            params = f"{params[:199]}…"
        return f"<{type(self).__name__} {self.name} {self.state}{value}: {params or 'no parameters'}>"


def _brief(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
