"""Effects that come out of `decide`; any of them may be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweepd_agent.core.attempt import Assignment, AttemptKey, Exit, Json, Place, StopOrder


@dataclass(frozen=True, slots=True)
class Journal:
    """Bring an assignment to disk, then say so by `Journalled`."""

    assignment: Assignment
    command_id: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """Tell the scheduler that a command was carried out, or why not."""

    command_id: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """Start the process of a journalled attempt, at a place that is noted first."""

    key: AttemptKey
    place: Place


@dataclass(frozen=True, slots=True)
class Stop:
    """Keep the order in the attempt's folder, then signal its supervisor."""

    key: AttemptKey
    order: StopOrder


@dataclass(frozen=True, slots=True)
class Offer:
    """Tell the scheduler how many runs would be taken now."""

    wanted: int


@dataclass(frozen=True, slots=True)
class ReportStart:
    """Tell the scheduler that a process runs."""

    key: AttemptKey


@dataclass(frozen=True, slots=True)
class ReportExit:
    """Tell the scheduler how an attempt ended, after its observations."""

    key: AttemptKey
    exit: Exit


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop an attempt and its folder: nothing of it is wanted any more."""

    key: AttemptKey


@dataclass(frozen=True, slots=True)
class Say:
    """Log an event."""

    event: str
    key: AttemptKey | None = None
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """End the agent; processes that still live are their supervisors' and the next agent's."""

    code: int
    cause: str
    # What a person should read and do, if all is not well.
    error: str = ""


Effect = Journal | Confirm | Launch | Stop | Offer | ReportStart | ReportExit | Forget | Say | Leave
