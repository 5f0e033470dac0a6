"""State of an agent and of the attempts that it holds, and the batch of one decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sweepd_agent.core.attempt import (
    Assignment,
    AttemptKey,
    Exit,
    ExitCause,
    Json,
    Place,
    StopMode,
    StopOrder,
)
from sweepd_agent.core.events import Effect, Forget, Ineligibility, LogEvent, Reason, ReportExit, Stop
from sweepd_agent.core.lines import last_lines

FIRST_MINUTE = 60.0
"""Seconds after the start of an agent in which `--fail-fast` counts early failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings from the command line; durations in seconds."""

    slots: int = 1
    # Number of ended runs after which the agent ends; None: no limit.
    count: int | None = None
    # Time from SIGTERM to the end of the agent, and the longest wait for the last acknowledgements.
    grace: float = 30.0
    # Whether to end runs when the lease has expired while the scheduler is unavailable.
    stop_on_disconnect: bool = False
    # Longest wait for the first answer of a server; None: forever.
    wait: float | None = None
    # Whether runs execute their sweep's program; otherwise, all execute one command given to the agent.
    runs_programs: bool = True
    # Devices of each slot; None: runs see the devices that the agent sees.
    gpus: tuple[tuple[str, ...], ...] | None = None
    # Consecutive failed runs after which the agent ends; None: no limit.
    max_failed_in_a_row: int | None = None
    # Whether to end the agent after three failed runs in the first minute.
    fail_fast: bool = False
    # Failed runs after which the agent ends if at most one run has not failed; None: no limit.
    max_initial_failures: int | None = None


class Phase(StrEnum):
    """Phase of an attempt on this machine."""

    # Its assignment is being written to disk.
    JOURNALLING = "journalling"
    # Found on disk by a later agent: it starts once the scheduler confirms that it is still wanted.
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class Standing(StrEnum):
    """Status of an attempt at the scheduler, according to its last verdict."""

    KEPT = "kept"
    UNKNOWN = "unknown"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Attempt of which this agent holds a process or data."""

    assignment: Assignment
    phase: Phase
    standing: Standing = Standing.KEPT
    # None: not started, or its record is lost.
    place: Place | None = None
    pid: int | None = None
    order: StopOrder | None = None
    exit: Exit | None = None
    # The end was sent on the current stream.
    reported: bool = False
    # The scheduler has stored the end.
    acked: bool = False
    # An earlier agent left it, and this agent does not serve its sweep: no counter includes it.
    foreign: bool = False

    @property
    def key(self) -> AttemptKey:
        """Key of the attempt."""
        return self.assignment.key

    @property
    def has_process(self) -> bool:
        """True if its process is live or about to start."""
        return self.phase in {Phase.JOURNALLING, Phase.STARTING, Phase.RUNNING}

    @property
    def takes_slot(self) -> bool:
        """True if its slot is not free yet.

        The end is reported before the slot is offered again, so that the next hand-out can use this result.
        """
        if self.phase is Phase.READY:
            return self.standing is Standing.KEPT
        if self.phase is not Phase.ENDED:
            return True
        return self.standing is Standing.KEPT and not (self.reported or self.acked)

    @property
    def undelivered(self) -> bool:
        """True if data of the attempt is still to be delivered before the agent ends."""
        return self.phase in {Phase.READY, Phase.ENDED} and self.standing is Standing.KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Cause, exit code and deadlines of an agent that takes no new runs; times are monotonic."""

    cause: str
    code: int
    terminate_at: float | None = None
    kill_at: float | None = None
    leave_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Failure of a run, shown in the line that explains why the agent ends."""

    key: AttemptKey
    exit: Exit
    log_tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """State of an agent, on which all its decisions are based."""

    settings: Settings
    # Full names of the sweeps that still hand out runs.
    sweeps: frozenset[str]
    started: float
    # Sweeps served last: the value of `sweeps` before it became empty.
    served: frozenset[str] = frozenset()
    # Sweeps that give this agent no runs, with the reason.
    ineligible: Mapping[str, Ineligibility] = field(default_factory=dict)
    # Last logged reason of each sweep that still gives no runs, and the time of the next log line.
    logged_reasons: Mapping[str, Reason] = field(default_factory=dict)
    log_at: Mapping[str, float] = field(default_factory=dict)
    held: Mapping[AttemptKey, Held] = field(default_factory=dict)
    connected: bool = False
    was_connected: bool = False
    lease: float = 30.0
    # Time at which the stream was lost or the agent started.
    silent_since: float = 0.0
    # Runs that have ended here, not counting foreign runs.
    ended: int = 0
    # Runs that have succeeded, and runs that have failed.
    succeeded: int = 0
    failed: int = 0
    # Failures that guards count: all, those of the first minute, those since the last success.
    guarded: int = 0
    guarded_early: int = 0
    failed_in_a_row: int = 0
    last_failure: Failure | None = None
    enough_room: bool = True
    # Number of runs last offered; None: no offer on this stream yet.
    offered: int | None = None
    leaving: Leaving | None = None
    interrupts: int = 0
    terminations: int = 0
    left: bool = False

    @property
    def wanted(self) -> int:
        """Number of runs that the agent would take now."""
        if self.leaving is not None or not self.sweeps or not self.enough_room:
            return 0
        free = len(self.free_places())
        return max(0, free if self.count_left is None else min(free, self.count_left))

    @property
    def waits(self) -> bool:
        """True if the agent is connected and waits for a run."""
        return self.connected and self.wanted > 0

    def free_places(self) -> list[Place]:
        """Return the places where runs may start now, the lowest slot first.

        An attempt adopted from an agent with other slots or devices keeps its place: a slot with the same
        number or a shared device is not free.
        """
        return self._places_beside([held for held in self.held.values() if held.takes_slot])

    def place_for_found(self, recorded: Place | None) -> Place | None:
        """Return the place for an attempt found on disk: as recorded if free, else the first free, if any."""
        others = [held for held in self.held.values() if held.has_process and held.place is not None]
        free = self._places_beside(others)
        return recorded if recorded in free else next(iter(free), None)

    def _places_beside(self, live: list[Held]) -> list[Place]:
        places = [held.place for held in live if held.place is not None]
        slots = {place.slot for place in places}
        gpus = {gpu for place in places for gpu in place.gpus or ()}
        free = [
            place for place in self._places() if place.slot not in slots and gpus.isdisjoint(place.gpus or ())
        ]
        return free[: max(0, self.settings.slots - len(live))]

    def _places(self) -> Iterator[Place]:
        for slot in range(self.settings.slots):
            yield Place(slot=slot, gpus=None if self.settings.gpus is None else self.settings.gpus[slot])

    def serves(self, sweep: str) -> bool:
        """Return True if this agent serves a sweep, named in full or by its id alone."""
        named = self.sweeps | self.served
        return sweep in named or sweep.rpartition("/")[2] in named

    @property
    def count_left(self) -> int | None:
        """Number of runs that may still start here; None: no limit."""
        if self.settings.count is None:
            return None
        return (
            self.settings.count
            - self.ended
            - sum(held.phase is not Phase.ENDED and not held.foreign for held in self.held.values())
        )

    @property
    def has_processes(self) -> bool:
        """True if any process is live or about to start."""
        return any(held.has_process for held in self.held.values())


@dataclass(slots=True)
class Batch:
    """Mutable state and effects of one call of `decide`."""

    state: State
    now: float
    effects: list[Effect] = field(default_factory=list)

    def do(self, *effects: Effect) -> None:
        """Add effects in their order of execution."""
        self.effects.extend(effects)

    def find(self, key: AttemptKey) -> Held | None:
        """Return the held attempt of a key; None if there is no such attempt."""
        return self.state.held.get(key)

    def hold(self, held: Held) -> Held:
        """Add or replace a held attempt."""
        self.state = replace(self.state, held={**self.state.held, held.key: held})
        return held

    def drop(self, key: AttemptKey) -> None:
        """Remove a held attempt, and have its folder removed."""
        rest = {other: held for other, held in self.state.held.items() if other != key}
        self.state = replace(self.state, held=rest)
        self.do(Forget(key))

    def stop(self, held: Held, order: StopOrder) -> None:
        """End an attempt; do nothing if the order does not change the previous order."""
        order = _merged(held.order, order)
        if order == held.order:
            return
        if held.phase is Phase.READY:
            self.end_without_process(held, order.cause, order.reason)
        elif held.has_process:
            held = self.hold(replace(held, order=order))
            if held.phase is Phase.RUNNING:
                self.do(Stop(held.key, order))

    def end_without_process(self, held: Held, cause: ExitCause, reason: str) -> None:
        """End an attempt whose process was never started."""
        self.end(held, Exit(cause=cause, code=None, signal=None, message=reason, time=0.0))

    def end(self, held: Held, how: Exit, log_tail: str = "") -> None:
        """Record the end of an attempt."""
        self.state = _counted(self.state, held, how, log_tail, self.now)
        fields: dict[str, Json] = {
            "cause": how.cause.value,
            "exit_code": how.code,
            "signal": how.signal,
            "message": how.message,
        }
        if how.failed and (lines := last_lines(log_tail, 1)):
            fields["last_line"] = lines[0]
        self.do(LogEvent("run_ended", held.key, fields))
        if held.standing is Standing.FENCED:
            self.drop(held.key)
            return
        self.hold(replace(held, phase=Phase.ENDED, exit=how, pid=None))
        self.do(ReportExit(held.key, how))

    def stop_processes(self, order: StopOrder) -> None:
        """End every attempt that has a process."""
        for held in list(self.state.held.values()):
            if held.has_process:
                self.stop(held, order)


def _counted(state: State, held: Held, how: Exit, log_tail: str, now: float) -> State:
    """Return the state with one more ended run; a stopped or lost run is neither a success nor a failure."""
    if held.foreign:
        return state
    state = replace(state, ended=state.ended + 1)
    if how.succeeded:
        return replace(state, succeeded=state.succeeded + 1, failed_in_a_row=0)
    if not how.charged or held.standing is Standing.FENCED:
        return state
    failure = Failure(key=held.key, exit=how, log_tail=log_tail)
    state = replace(state, failed=state.failed + 1, last_failure=failure)
    if not how.guarded:
        return state
    early = now - state.started <= FIRST_MINUTE
    return replace(
        state,
        guarded=state.guarded + 1,
        guarded_early=state.guarded_early + early,
        failed_in_a_row=state.failed_in_a_row + 1,
    )


def _merged(old: StopOrder | None, new: StopOrder) -> StopOrder:
    """Return the combination of two orders: KILL over TERMINATE, the scheduler's cause over any other."""
    if old is None:
        return new
    mode = StopMode.KILL if StopMode.KILL in {old.mode, new.mode} else StopMode.TERMINATE
    commanded = new.cause is ExitCause.COMMANDED and old.cause is not ExitCause.COMMANDED
    return replace(new if commanded else old, mode=mode)
