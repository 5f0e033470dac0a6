"""Watches of a sweep: a snapshot or the missed changes, then new changes, at most ten times a second."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from sweepd_kernel.errors import DomainError, Status
from sweepd_kernel.rpc.slow_readers import SlowReaderError
from sweepd_scheduler.domain.effects import Change, RunChanged, SweepChanged
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.message_size import pages, run_weight
from sweepd_scheduler.store.ports import Changed
from sweepd_scheduler.store.records import Reading

TOO_SLOW = "the reader of the stream is too slow"
SHORTEST_INTERVAL = 0.1
MAX_WAITING_RUNS = 20_000
MAX_RUNS_A_MESSAGE = 500


class StoppingError(DomainError, status=Status.UNAVAILABLE, retry_after=1.0):
    """The scheduler is stopping; the reader may reconnect later."""

    def __init__(self) -> None:
        super().__init__("the scheduler is stopping")


@dataclass(slots=True, kw_only=True)
class Follower:
    """Reader of one watch, and the changes that have not been sent to it."""

    sweep_key: int
    floor: int = 0  # the reader has all changes up to this number
    number: int = 0
    sweep: Sweep | None = None
    runs: dict[int, Run] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    slow: bool = False
    ended: bool = False

    def take_in(self, sweep: Sweep | None, runs: Sequence[Run], number: int) -> None:
        """Add the changes of a commit; mark the reader as slow if too many runs are waiting to be sent."""
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
        """Yield changes as they arrive.

        Raises:
            SlowReaderError: the reader is too far behind.
            StoppingError: the scheduler is stopping.
        """
        while True:
            await self.news.wait()
            self.news.clear()
            if self.slow:
                raise SlowReaderError(TOO_SLOW)
            if self.ended:
                raise StoppingError
            if self.number <= self.floor:  # the snapshot already contains the change
                continue
            for changed in self._take_pending():
                yield changed
            await asyncio.sleep(SHORTEST_INTERVAL)

    def _take_pending(self) -> list[Changed]:
        sweep, runs, number = self.sweep, list(self.runs.values()), self.number
        self.sweep = None
        self.runs = {}
        pieces = [part.entries for part in pages(runs, MAX_RUNS_A_MESSAGE, run_weight)]
        # Only the last piece has the new number: a reader that has not received it gets all pieces again.
        first = [Changed(sweep=sweep, runs=piece, number=self.floor) for piece in pieces[:-1]]
        self.floor = number
        return [*first, Changed(sweep=sweep, runs=pieces[-1], number=number)]


class Watchers:
    """All readers of watches, by sweep."""

    def __init__(self) -> None:
        self._by_sweep: dict[int, list[Follower]] = {}

    def follow(self, sweep_key: int) -> Follower:
        """Add a reader of a sweep and return it."""
        follower = Follower(sweep_key=sweep_key)
        self._by_sweep.setdefault(sweep_key, []).append(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Remove a reader."""
        left = [each for each in self._by_sweep[follower.sweep_key] if each is not follower]
        if left:
            self._by_sweep[follower.sweep_key] = left
        else:
            del self._by_sweep[follower.sweep_key]

    def end(self) -> None:
        """End every watch, as the scheduler is stopping."""
        for followers in self._by_sweep.values():
            for follower in followers:
                follower.ended = True
                follower.news.set()

    def publish(self, changes: Sequence[Change], number: int) -> None:
        """Pass the stored changes of commit `number` to the readers of the sweeps concerned."""
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


RUNS_A_MESSAGE = 500
MAX_MISSED_RUNS = 2_000


async def follow(
    follower: Follower, reading: Reading, resume_token: str
) -> AsyncIterator[tuple[Changed, bool]]:
    """Yield a snapshot in parts, or missed changes, then new changes; each with True if more parts follow.

    Args:
        follower: the reader; it must already be among the watchers, so that it misses no change.
        reading: reads the database.
        resume_token: token of the last message that the reader has received: only later changes follow. If
            the token is unknown, or too much has changed, a snapshot comes first.

    Raises:
        SlowReaderError: the reader is too far behind.
        StoppingError: the scheduler is stopping.
    """
    missed = await _missed(follower, reading, resume_token)
    if missed is not None:
        follower.floor = max(missed.number, int(resume_token))
        if missed.number > int(resume_token):
            yield missed, False
    else:
        async for part, continues in _snapshot(follower, reading):
            yield part, continues
    async for changed in follower.changes():
        yield changed, False


async def _missed(follower: Follower, reading: Reading, resume_token: str) -> Changed | None:
    if not resume_token.isascii() or not resume_token.isdigit() or len(resume_token) > 18:
        return None
    records = reading.records
    return await reading(records.changed_since, follower.sweep_key, int(resume_token), MAX_MISSED_RUNS)


async def _snapshot(follower: Follower, reading: Reading) -> AsyncIterator[tuple[Changed, bool]]:
    """Yield all runs in parts. Changes after the first part was read are sent after the snapshot."""
    after = 0
    while True:
        part = await reading(reading.records.snapshot, follower.sweep_key, after, RUNS_A_MESSAGE)
        if after == 0:
            follower.floor = part.number
        sweep = part.sweep if after == 0 else None
        yield Changed(sweep=sweep, runs=part.runs, number=0 if part.more else follower.floor), part.more
        if not part.more:
            return
        after = part.runs[-1].number


KILL_TIMEOUT = 10.0


async def wait_for_kills(state: State, watchers: Watchers, name: SweepName) -> list[str]:
    """Wait for connected agents to end the runs of a cancelled sweep; return the names of runs still live."""
    key = state.names.get(name)
    if key is None:
        return []
    follower = watchers.follow(key)
    try:
        async with asyncio.timeout(KILL_TIMEOUT):
            while any(run.key in state.placements for run in _live(state, key)):
                follower.news.clear()
                await follower.news.wait()
    except TimeoutError:
        pass
    finally:
        watchers.leave(follower)
    return [run.name for run in _live(state, key)]


def _live(state: State, key: int) -> list[Run]:
    numbers = sorted(state.index[key].unfinished) if key in state.index else []
    return [state.runs[(key, number)] for number in numbers]
