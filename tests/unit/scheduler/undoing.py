"""A test world in which each decision is made, undone as after a failed commit, and made again."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import fields

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.agents.agent import Holdings
from sweepd_scheduler.domain.events import Event
from sweepd_scheduler.domain.requests.requests import Answer
from sweepd_scheduler.domain.runs.early_termination import Rung
from sweepd_scheduler.domain.runs.values import Ranking
from sweepd_scheduler.domain.state import RunQueue, State, SweepIndex
from synchronous_decide import decide
from unit.scheduler.world import World


class UndoingWorld(World):
    """The world of the other tests; checks that undone decisions leave no trace."""

    def happens(self, event: Event) -> Answer | None:
        """Decide, undo, check that the state is unchanged, and decide again."""
        before = contents(self.state)
        with suppress(DomainError):
            decide(self.state, event, self.clock_reading)
        self.state.undo_log.back_to(0)
        assert contents(self.state) == before
        return super().happens(event)


_NEVER_UNDONE = {"next_handle", "next_command"}
"""Counters of a session; a gap between numbers is harmless."""


def contents(state: State) -> object:
    """Return a copy of what decisions read, without counters and times of messages, which only increase."""
    found = {name: value for name, value in vars(state).items() if name not in ("undo_log", "last_seen")}
    return _copied({**found, "leases": set(state.last_seen)})


def _copied(value: object) -> object:
    """Return a value that compares equal as long as a mutable object is unchanged."""
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, AbstractSet):
        return set(value)
    if isinstance(value, (RunQueue, Ranking)):
        return _copied(vars(value))
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, tuple)):
        return [_copied(each) for each in value]
    if isinstance(value, (SweepIndex, Holdings, Rung)):
        names = {each.name for each in fields(value)} - _NEVER_UNDONE
        return {name: _copied(getattr(value, name)) for name in names}
    return value
