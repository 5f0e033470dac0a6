"""Batch of one decision: the state as it becomes, and the effects gathered on the way."""

from dataclasses import dataclass, field, replace

from sweepd_agent.core.attempt import AttemptKey, Exit, ExitCause, Json, StopMode, StopOrder
from sweepd_agent.core.events import Effect, Forget, ReportExit, Say, Stop
from sweepd_agent.core.lines import last_lines
from sweepd_agent.core.state import FIRST_MINUTE, Failure, Held, Phase, Standing, State


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
