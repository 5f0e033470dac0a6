"""What an agent knows about itself and the attempts that it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweepd_agent.core.attempt import Assignment, AttemptKey, Exit, StopOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line decided; durations in seconds."""

    slots: int = 1
    # End after so many runs have ended here; None: never for that reason.
    count: int | None = None
    # From SIGTERM to the end, and the longest wait for the last acknowledgements.
    grace: float = 30.0
    # End runs when the lease is over and the scheduler is still away.
    stop_on_disconnect: bool = False
    # Longest wait for the first answer of a server; None: for ever.
    wait: float | None = None


class Phase(StrEnum):
    """Where an attempt stands on this machine."""

    # Its assignment is on its way to the disk.
    JOURNALLING = "journalling"
    # On disk, and found there by a later agent: it starts once the scheduler says that it is still wanted.
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class Standing(StrEnum):
    """What the scheduler thinks of an attempt."""

    KEPT = "kept"
    UNKNOWN = "unknown"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An attempt that this agent has something of."""

    assignment: Assignment
    phase: Phase
    standing: Standing = Standing.KEPT
    pid: int | None = None
    order: StopOrder | None = None
    exit: Exit | None = None
    # The end went out on the stream of the moment.
    reported: bool = False
    # The end is stored.
    acked: bool = False

    @property
    def key(self) -> AttemptKey:
        """Tells it from all others."""
        return self.assignment.key

    @property
    def has_process(self) -> bool:
        """Whether a process lives, or is about to."""
        return self.phase in {Phase.JOURNALLING, Phase.STARTING, Phase.RUNNING}

    @property
    def takes_slot(self) -> bool:
        """Whether its slot is not free yet.

        The end is reported before the slot is offered again, so that the next hand-out knows this result.
        """
        if self.phase is Phase.READY:
            return self.standing is Standing.KEPT
        if self.phase is not Phase.ENDED:
            return True
        return self.standing is Standing.KEPT and not (self.reported or self.acked)

    @property
    def undelivered(self) -> bool:
        """Whether the agent should stay for the sake of what it still has to deliver."""
        return self.phase in {Phase.READY, Phase.ENDED} and self.standing is Standing.KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """That the agent takes nothing new and ends, and by when; times are monotonic."""

    cause: str
    code: int
    terminate_at: float | None = None
    kill_at: float | None = None
    leave_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that decisions rest on."""

    settings: Settings
    # Full names of the sweeps that still hand out runs.
    sweeps: frozenset[str]
    started: float
    held: Mapping[AttemptKey, Held] = field(default_factory=dict)
    connected: bool = False
    was_connected: bool = False
    lease: float = 30.0
    # When the stream was lost, or the agent started.
    silent_since: float = 0.0
    # Runs that have ended here.
    ended: int = 0
    enough_room: bool = True
    # The level that the scheduler was told; None: not on this stream.
    offered: int | None = None
    leaving: Leaving | None = None
    interrupts: int = 0
    terminations: int = 0
    left: bool = False

    @property
    def wanted(self) -> int:
        """How many runs would be taken now."""
        if self.leaving is not None or not self.sweeps or not self.enough_room:
            return 0
        free = self.settings.slots - sum(held.takes_slot for held in self.held.values())
        return max(0, free if self.count_left is None else min(free, self.count_left))

    @property
    def count_left(self) -> int | None:
        """How many more runs may begin here; None: any number."""
        if self.settings.count is None:
            return None
        return (
            self.settings.count
            - self.ended
            - sum(held.phase is not Phase.ENDED for held in self.held.values())
        )

    @property
    def has_processes(self) -> bool:
        """Whether any process lives, or is about to."""
        return any(held.has_process for held in self.held.values())
