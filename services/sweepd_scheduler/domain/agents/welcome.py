"""What an agent hears when it comes: what becomes of what it holds, and which sweeps give it nothing."""

from dataclasses import dataclass
from enum import StrEnum

from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.agents.withheld import Withheld
from sweepd_scheduler.domain.runs.run import RunState


class Fate(StrEnum):
    """What an agent is to do with an attempt that it named."""

    KEEP = "keep"
    STOP = "stop"
    UNKNOWN = "unknown"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fated:
    """The verdict on one attempt of Hello."""

    ref: AttemptRef
    fate: Fate
    observation_row: int | None = None
    exited: bool = False
    # Of the run, where the end of the attempt is stored.
    run_state: RunState | None = None
    # Why an attempt counts no more.
    reason: str = ""
    details_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to Hello."""

    verdicts: tuple[Fated, ...]
    withheld: tuple[Withheld, ...] = ()
