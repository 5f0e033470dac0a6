"""Who follows a sweep: what has changed, gathered so that a reader gets at most ten messages a second."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.domain.decision import Change, RunChanged, SweepChanged
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.ports import Changed
from sweepd_scheduler.weight import pages, run_weight

SHORTEST_INTERVAL = 0.1
MAX_WAITING_RUNS = 20_000
MAX_RUNS_A_MESSAGE = 500


class SlowReaderError(DomainError):
    """The reader of a watch does not keep up."""

    def __init__(self) -> None:
        super().__init__(
            "the reader is too slow to follow the sweep",
            status=Status.RESOURCE_EXHAUSTED,
            reason=Reason.SLOW_READER,
        )


class StoppingError(DomainError):
    """The scheduler is stopping; the reader comes back to the next one with its resume token."""

    def __init__(self) -> None:
        super().__init__("the scheduler is stopping", status=Status.UNAVAILABLE, retry_after=1.0)


@dataclass(slots=True, kw_only=True)
class Follower:
    """One reader: what has changed and was not sent, each thing once, as it stands."""

    sweep_key: int
    floor: int = 0  # changes up to here are in the reader's snapshot
    number: int = 0
    sweep: Sweep | None = None
    runs: dict[int, Run] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    slow: bool = False
    ended: bool = False

    def take_in(self, sweep: Sweep | None, runs: Sequence[Run], number: int) -> None:
        """Note a change; a reader that is too far behind is given up."""
        if number <= self.floor or self.slow:
            return
        self.number = number
        self.sweep = replace(sweep, file=None) if sweep else self.sweep
        self.runs.update((run.number, run) for run in runs)
        if len(self.runs) > MAX_WAITING_RUNS:
            self.slow = True
            self.runs.clear()
        self.news.set()

    async def changes(self) -> AsyncIterator[Changed]:
        """Return what has changed, again and again.

        Raises:
            SlowReaderError: the reader cannot follow.
            StoppingError: the scheduler is stopping.
        """
        while True:
            await self.news.wait()
            self.news.clear()
            if self.slow:
                raise SlowReaderError
            if self.ended:
                raise StoppingError
            if self.number <= self.floor:  # it came in while the snapshot was read, and is part of it
                continue
            for changed in self._taken():
                yield changed
            await asyncio.sleep(SHORTEST_INTERVAL)

    def _taken(self) -> list[Changed]:
        sweep, runs, number = self.sweep, list(self.runs.values()), self.number
        self.sweep = None
        self.runs = {}
        pieces = [part.entries for part in pages(runs, MAX_RUNS_A_MESSAGE, run_weight)]
        # Only the last piece carries the new number: a reader cut off in between gets all of it again.
        first = [Changed(sweep=sweep, runs=piece, number=self.floor) for piece in pieces[:-1]]
        self.floor = number
        return [*first, Changed(sweep=sweep, runs=pieces[-1], number=number)]


class Watchers:
    """All readers, by sweep."""

    def __init__(self) -> None:
        self._by_sweep: dict[int, list[Follower]] = {}

    def follow(self, sweep_key: int) -> Follower:
        """Begin to follow a sweep."""
        follower = Follower(sweep_key=sweep_key)
        self._by_sweep.setdefault(sweep_key, []).append(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Follow no longer."""
        left = [each for each in self._by_sweep[follower.sweep_key] if each is not follower]
        if left:
            self._by_sweep[follower.sweep_key] = left
        else:
            del self._by_sweep[follower.sweep_key]

    def end(self) -> None:
        """End every watch: the scheduler is stopping, and readers come back to the next one."""
        for followers in self._by_sweep.values():
            for follower in followers:
                follower.ended = True
                follower.news.set()

    def publish(self, changes: Sequence[Change], number: int) -> None:
        """Tell the readers what was stored."""
        if not self._by_sweep:
            return
        sweeps: dict[int, Sweep] = {}
        runs: dict[int, dict[int, Run]] = {}
        for change in changes:
            if isinstance(change, SweepChanged):
                sweeps[change.sweep.key] = change.sweep
            elif isinstance(change, RunChanged):
                runs.setdefault(change.run.sweep, {})[change.run.number] = change.run
        for key in sweeps.keys() | runs.keys():
            for follower in self._by_sweep.get(key, ()):
                follower.take_in(sweeps.get(key), list(runs.get(key, {}).values()), number)
