"""What those who asked for something are answered."""

from dataclasses import dataclass

from sweepd.spec import ObjectiveValue
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.sweeps.sweep import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs of one sweep as they stand. `kind`: what their value is."""

    runs: tuple[Run, ...]
    kind: ObjectiveValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """Full names of the runs that wait again."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Full names of the sweeps of which the agent gets runs again."""

    sweeps: tuple[str, ...]


Answer = Sweep | Runs | Retried | Released
