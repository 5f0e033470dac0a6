"""How many runs of a sweep are in each state."""

from dataclasses import dataclass

from sweepd_scheduler.domain.runs.run import RunState

_RUN_STATES = tuple(RunState)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many runs are in each state, in the order of `RunState`."""

    by_state: tuple[int, ...] = (0,) * len(_RUN_STATES)

    def of(self, state: RunState) -> int:
        """Return how many runs are in a state."""
        return self.by_state[_RUN_STATES.index(state)]

    def moved(self, before: RunState | None, after: RunState) -> "Counts":
        """Return the counts after a run went from one state, or from nowhere, to another."""
        counts = list(self.by_state)
        if before is not None:
            counts[_RUN_STATES.index(before)] -= 1
        counts[_RUN_STATES.index(after)] += 1
        return Counts(tuple(counts))

    @property
    def total(self) -> int:
        """All runs; numbers are given without gaps, so this is also the last one."""
        return sum(self.by_state)

    @property
    def unfinished(self) -> int:
        """Runs that are not final: pending, assigned, running."""
        return sum(self.by_state[:3])

    @property
    def ended(self) -> int:
        """Runs that are final."""
        return self.total - self.unfinished


NO_RUNS = Counts()
