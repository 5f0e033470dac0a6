"""State of an agent and of the attempts that it holds, and the batch of one decision on it."""

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
from sweepd_agent.core.events import Effect, Forget, Ineligibility, Reason, ReportExit, Say, Stop
from sweepd_agent.core.lines import last_lines

FIRST_MINUTE = 60.0
"""Seconds from its start in which failures say most about the agent itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings from the command line; durations in seconds."""

    slots: int = 1
    # End after so many runs have ended here; None: never for that reason.
    count: int | None = None
    # From SIGTERM to the end, and the longest wait for the last acknowledgements.
    grace: float = 30.0
    # End runs when the lease has expired and the scheduler is still unavailable.
    stop_on_disconnect: bool = False
    # Longest wait for the first answer of a server; None: for ever.
    wait: float | None = None
    # Whether runs are their sweep's program; else something else is started for each.
    runs_programs: bool = True
    # The devices of each slot; None: runs see what the agent sees.
    gpus: tuple[tuple[str, ...], ...] | None = None
    # End after so many failed runs in a row; None: never for that reason.
    max_failed_in_a_row: int | None = None
    # End after three failed runs in the first minute.
    fail_fast: bool = False
    # End once so many runs have failed, nearly all that have ended; None: never for that reason.
    max_initial_failures: int | None = None


class Phase(StrEnum):
    """Phase of an attempt on this machine."""

    # Its assignment is on its way to the disk.
    JOURNALLING = "journalling"
    # On disk, and found there by a later agent: it starts once the scheduler says that it is still wanted.
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class Standing(StrEnum):
    """Standing of an attempt with the scheduler."""

    KEPT = "kept"
    UNKNOWN = "unknown"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An attempt that this agent has something of."""

    assignment: Assignment
    phase: Phase
    standing: Standing = Standing.KEPT
    # None: it has not been started, or by an agent that knew of no places.
    place: Place | None = None
    pid: int | None = None
    order: StopOrder | None = None
    exit: Exit | None = None
    # The end went out on the stream of the moment.
    reported: bool = False
    # The end is stored.
    acked: bool = False
    # An earlier agent has left it, and its sweep is none that this one serves: it counts for nothing here.
    foreign: bool = False

    @property
    def key(self) -> AttemptKey:
        """Key of the attempt."""
        return self.assignment.key

    @property
    def has_process(self) -> bool:
        """True if a process lives, or is about to."""
        return self.phase in {Phase.JOURNALLING, Phase.STARTING, Phase.RUNNING}

    @property
    def takes_slot(self) -> bool:
        """True if its slot is not free yet.

        The end is reported before the slot is offered again, so that the next hand-out knows this result.
        """
        if self.phase is Phase.READY:
            return self.standing is Standing.KEPT
        if self.phase is not Phase.ENDED:
            return True
        return self.standing is Standing.KEPT and not (self.reported or self.acked)

    @property
    def undelivered(self) -> bool:
        """True if the agent should stay for the sake of what it still has to deliver."""
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
class Failure:
    """Failure of a run, for the line that explains why the agent ends."""

    key: AttemptKey
    exit: Exit
    log_tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that decisions rest on."""

    settings: Settings
    # Full names of the sweeps that still hand out runs.
    sweeps: frozenset[str]
    started: float
    # Those that it served last: what `sweeps` was before it became empty.
    served: frozenset[str] = frozenset()
    # Sweeps of which this agent gets no runs, and why.
    ineligible: Mapping[str, Ineligibility] = field(default_factory=dict)
    # Which reason was logged last for a sweep that still gives none, and when one is to be logged next.
    logged_reasons: Mapping[str, Reason] = field(default_factory=dict)
    say_at: Mapping[str, float] = field(default_factory=dict)
    held: Mapping[AttemptKey, Held] = field(default_factory=dict)
    connected: bool = False
    was_connected: bool = False
    lease: float = 30.0
    # When the stream was lost, or the agent started.
    silent_since: float = 0.0
    # Runs that have ended here, foreign ones left out.
    ended: int = 0
    # Those that have ended well, and those that have failed.
    succeeded: int = 0
    failed: int = 0
    # Of those that guards count: all, those of the first minute, those since the last success.
    guarded: int = 0
    guarded_early: int = 0
    failed_in_a_row: int = 0
    last_failure: Failure | None = None
    enough_room: bool = True
    # The level that was offered; None: not on this stream.
    offered: int | None = None
    leaving: Leaving | None = None
    interrupts: int = 0
    terminations: int = 0
    left: bool = False

    @property
    def wanted(self) -> int:
        """Number of runs that would be taken now."""
        if self.leaving is not None or not self.sweeps or not self.enough_room:
            return 0
        free = len(self.free_places())
        return max(0, free if self.count_left is None else min(free, self.count_left))

    @property
    def waits(self) -> bool:
        """True while a run would be taken, and none has come."""
        return self.connected and self.wanted > 0

    def free_places(self) -> list[Place]:
        """Return where runs may begin now, the lowest slot first.

        An attempt that was adopted from an agent with other slots or devices keeps what it has: no slot is
        free whose number it has, or one of whose devices it sees.
        """
        return self._places_beside([held for held in self.held.values() if held.takes_slot])

    def place_for_found(self, noted: Place | None) -> Place | None:
        """Return where an attempt that was found may be: as noted if that is free; None if nowhere."""
        others = [held for held in self.held.values() if held.has_process and held.place is not None]
        free = self._places_beside(others)
        return noted if noted in free else next(iter(free), None)

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
        """Return whether a sweep is among those that this agent was named, perhaps by its id alone."""
        named = self.sweeps | self.served
        return sweep in named or sweep.rpartition("/")[2] in named

    @property
    def count_left(self) -> int | None:
        """Number of runs that may still begin here; None: any."""
        if self.settings.count is None:
            return None
        return (
            self.settings.count
            - self.ended
            - sum(held.phase is not Phase.ENDED and not held.foreign for held in self.held.values())
        )

    @property
    def has_processes(self) -> bool:
        """True if any process lives, or is about to."""
        return any(held.has_process for held in self.held.values())


@dataclass(slots=True)
class Batch:
    """Lives for one call of `decide`; nothing outside sees it."""

    state: State
    now: float
    effects: list[Effect] = field(default_factory=list)

    def do(self, *effects: Effect) -> None:
        """Add effects, in the order in which they are to happen."""
        self.effects.extend(effects)

    def find(self, key: AttemptKey) -> Held | None:
        """Return an attempt that is held."""
        return self.state.held.get(key)

    def hold(self, held: Held) -> Held:
        """Hold an attempt, or what has become of it."""
        self.state = replace(self.state, held={**self.state.held, held.key: held})
        return held

    def drop(self, key: AttemptKey) -> None:
        """Hold an attempt no longer, and forget what there is of it."""
        rest = {other: held for other, held in self.state.held.items() if other != key}
        self.state = replace(self.state, held=rest)
        self.do(Forget(key))

    def stop(self, held: Held, order: StopOrder) -> None:
        """Have an attempt ended; an order that adds nothing to the one before changes nothing."""
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
        """End an attempt that never got a process."""
        self.end(held, Exit(cause=cause, code=None, signal=None, message=reason, time=0.0))

    def end(self, held: Held, how: Exit, log_tail: str = "") -> None:
        """Note the end of an attempt."""
        self.state = _counted(self.state, held, how, log_tail, self.now)
        fields: dict[str, Json] = {
            "cause": how.cause.value,
            "exit_code": how.code,
            "signal": how.signal,
            "message": how.message,
        }
        if how.failed and (words := last_lines(log_tail, 1)):
            fields["last_line"] = words[0]
        self.do(Say("run_ended", held.key, fields))
        if held.standing is Standing.FENCED:
            self.drop(held.key)
            return
        self.hold(replace(held, phase=Phase.ENDED, exit=how, pid=None))
        self.do(ReportExit(held.key, how))

    def stop_processes(self, order: StopOrder) -> None:
        """Have every attempt ended that has a process."""
        for held in list(self.state.held.values()):
            if held.has_process:
                self.stop(held, order)


def _counted(state: State, held: Held, how: Exit, log_tail: str, now: float) -> State:
    """Return the state after one more end; what was stopped or lost is neither success nor failure."""
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
    """Return what two orders ask for together: the harder way; the scheduler's cause before any other."""
    if old is None:
        return new
    mode = StopMode.KILL if StopMode.KILL in {old.mode, new.mode} else StopMode.TERMINATE
    commanded = new.cause is ExitCause.COMMANDED and old.cause is not ExitCause.COMMANDED
    return replace(new if commanded else old, mode=mode)
