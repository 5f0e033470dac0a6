"""A sweep as the database has it: what is read to go on with it, and what is remembered once it is over."""

from collections.abc import Mapping
from dataclasses import dataclass

from sweepd_scheduler.domain.agents.agent import Guarded
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.runs.values import EndedTrial
from sweepd_scheduler.domain.states import SweepState
from sweepd_scheduler.domain.sweeps.sweep import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSweep:
    """Summary of a sweep that has ended; the rest is in the database.

    `end_time` and `revision` tell whether what was read of it meanwhile is still true.
    """

    name: SweepName
    state: SweepState
    reason: str
    end_time: int = 0
    revision: int = 1

    def still_is(self, sweep: Sweep) -> bool:
        """Tell whether a sweep that was read is as it was when this was noted."""
        return self == EndedSweep.of(sweep)

    @classmethod
    def of(cls, sweep: Sweep) -> "EndedSweep":
        """Return what is remembered of a sweep."""
        return cls(
            name=sweep.name,
            state=sweep.state,
            reason=sweep.reason,
            end_time=sweep.end_time,
            revision=sweep.revision,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSweep:
    """Sweep that has not ended, or is to be reopened, as the database has it.

    Args:
        sweep: the sweep.
        runs: those that are not final.
        digests: how often each point was handed out, or tried by a prior run.
        rung_values: by rule and rung, the value of each run; prior ones have negative numbers.
        durations: run times of ended runs in seconds.
        ended: the runs that are final, by the first number of their point.
        recent: whether each of the last runs that ended had failed, the latest last.
        guards: agents with failures that the guard counts.
    """

    sweep: Sweep
    runs: tuple[Run, ...]
    digests: Mapping[bytes, int]
    rung_values: Mapping[tuple[int, int], Mapping[int, float]]
    durations: tuple[float, ...]
    ended: tuple[tuple[int, EndedTrial], ...]
    recent: tuple[bool, ...]
    guards: Mapping[str, Guarded]
