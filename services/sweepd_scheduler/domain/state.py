"""State in memory: sweeps and runs that have not ended, sessions, and the index of each sweep."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sweepd.spec.stop_rules import Hyperband
from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.agents.agent import (
    AttemptRef,
    GuardRecord,
    Holdings,
    IneligibleReason,
    Placement,
    Session,
    UnconfirmedHandOut,
)
from sweepd_scheduler.domain.effects import Steps
from sweepd_scheduler.domain.events import LeaseDue, Timeouts
from sweepd_scheduler.domain.names import Parent, SweepName, standing_name, sweep_of_run_id
from sweepd_scheduler.domain.runs.early_termination import Rung, cost, costs, latest_rung
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.runs.values import EndedTrial, Ranking, block_value
from sweepd_scheduler.domain.search.prior_runs import PriorRun, digests_of
from sweepd_scheduler.domain.search.study import Study
from sweepd_scheduler.domain.sweep import EndedSweep, StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, LIVE_RUN, AttemptState, RunState
from sweepd_scheduler.domain.undo_log import UndoLog


class RunQueue:
    """Queue of pending runs, ordered by position, then by number."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._order: list[tuple[int, int]] = []

    def put(self, number: int, place: int | None) -> int | None:
        """Set the position of a run, or remove it with None; return its previous position."""
        before = self._places.pop(number, None)
        if before is not None:
            del self._order[bisect_left(self._order, (before, number))]
        if place is not None:
            self._places[number] = place
            insort(self._order, (place, number))
        return before

    @property
    def first(self) -> int | None:
        """The run that is handed out next; None if the queue is empty."""
        return self._order[0][1] if self._order else None

    def front(self, count: int) -> list[int]:
        """Return the runs that are handed out next, at most `count`."""
        return [number for _, number in self._order[:count]]

    @property
    def lowest_place(self) -> int:
        """Position of the run that is handed out next; 0 if the queue is empty."""
        return self._order[0][0] if self._order else 0

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, number: object) -> bool:
        return number in self._places

    def __iter__(self) -> Iterator[int]:
        return iter([number for _, number in self._order])


RECENT_RUNS = 20
RungKey = tuple[int, int]
"""Index of an early-termination rule, from 0, and the iteration of a rung."""


@dataclass(slots=True)
class SweepIndex:
    """Index of a sweep, so that decisions need not scan its runs.

    Args:
        digests: how often each point was handed out, or tried by a prior run.
        rungs: values at each rung of each early-termination rule.
        at_rung: for each Hyperband rule, the running runs by the latest rung that they have reached.
        pending: runs that wait to be handed out, for the first time or again.
        unfinished: numbers of the runs that are not final.
        size: number of points that the method may hand out in total; None: unbounded or unknown.
        searching: whether the search for the next point was interrupted and resumes soon.
        durations: run times of ended runs in seconds, sorted.
        ended: values of the final runs; with repeats, of the ended points.
        blocks: with repeats, the results of ended runs of each unfinished point, by the number of its first
            run.
        recent: for each of the last ended runs, whether it failed; the newest is last.
        provisional: last value that the search observed of each unfinished point, by the number of its first
            run; None: no value yet. A missing entry is unknown since a restart.
        retried: for each ended run that was loaded for a retry, its final state and attempt once it has
            ended again; None before.
        guards: the guard's records of agents with failures.
        serving: sessions that serve the sweep.
        with_capacity: serving sessions that would take a run now.
        wait: reason why no agent gets runs of the sweep, as of the last decision; None: not determined yet.
    """

    size: int | None
    ended: Ranking
    digests: dict[bytes, int] = field(default_factory=dict)
    rungs: dict[RungKey, Rung] = field(default_factory=dict)
    at_rung: dict[RungKey, set[int]] = field(default_factory=dict)
    pending: RunQueue = field(default_factory=RunQueue)
    unfinished: set[int] = field(default_factory=set)
    durations: list[float] = field(default_factory=list)
    blocks: dict[int, list[EndedTrial]] = field(default_factory=dict)
    recent: tuple[bool, ...] = ()
    provisional: dict[int, float | None] = field(default_factory=dict)
    retried: dict[int, tuple[RunState, int] | None] = field(default_factory=dict)
    guards: dict[str, GuardRecord] = field(default_factory=dict)
    serving: dict[str, None] = field(default_factory=dict)
    with_capacity: dict[str, None] = field(default_factory=dict)
    searching: bool = False
    wait: IneligibleReason | None = None


def index_of(sweep: Sweep) -> SweepIndex:
    """Return the index of a sweep that has no runs yet."""
    return SweepIndex(size=sweep.space_size, ended=Ranking(sweep.goal))


def index_from(stored: StoredSweep) -> SweepIndex:
    """Return the index of a sweep that was read from the database."""
    sweep = stored.sweep
    index = index_of(sweep)
    index.digests = dict(stored.digests)
    index.durations = sorted(stored.durations)
    index.recent = stored.recent
    index.guards = dict(stored.guards)
    for key, values in stored.rung_values.items():
        index.rungs[key] = Rung.of(costs(values, sweep.goal), with_prior=sweep.prior_runs > 0)
    for run in stored.runs:
        index.unfinished.add(run.number)
        if run.state is RunState.PENDING:
            index.pending.put(run.number, run.place)
        for key in rungs_held(sweep, run):
            index.at_rung.setdefault(key, set()).add(run.number)
    _take_ended(index, stored)
    return index


def rungs_held(sweep: Sweep, run: Run | None) -> tuple[RungKey, ...]:
    """Return the latest rung that a running run has reached, for each Hyperband rule.

    Each value that another run reports at such a rung can stop this run.
    """
    if run is None or run.state is not RunState.RUNNING:
        return ()
    latest = (
        (rule, latest_rung(each, run.values.iterations))
        for rule, each in enumerate(sweep.spec.early_terminate)
        if isinstance(each, Hyperband)
    )
    return tuple(key for key in latest if key[1])


def _take_ended(index: SweepIndex, stored: StoredSweep) -> None:
    spec, goal = stored.sweep.spec, stored.sweep.goal
    unfinished = {run.block for run in stored.runs}
    blocks: dict[int, list[EndedTrial]] = {}
    for first, ended in stored.ended:
        blocks.setdefault(first, []).append(ended)
    for first, block in blocks.items():
        if first in unfinished:  # only with repeats
            index.blocks[first] = block
        elif spec.repeats > 1:
            index.ended.put(first, block_value(block, spec.aggregate, goal))
        else:
            index.ended.put(first, block[0].value)


def index_run(undo_log: UndoLog, sweep: Sweep, index: SweepIndex, before: Run | None, run: Run) -> None:
    """Update the index of a sweep after a run has changed; `before` is None if it is new."""
    if before is None and run.repeat == 0:
        undo_log.put(index.digests, run.digest, index.digests.get(run.digest, 0) + 1)
    was = (before.state, before.place) if before else None
    if was != (run.state, run.place):
        _index_state(undo_log, sweep, index, run)
    # Most changes of a run affect neither its state nor its values, and need no update of its rungs.
    moved = before is None or before.state is not run.state or before.values is not run.values
    if sweep.spec.early_terminate and moved:
        _index_rungs(undo_log, sweep, index, before, run)


def rank(undo_log: UndoLog, index: SweepIndex, number: int, value: float | None) -> None:
    """Set the value of an ended run, or with repeats of an ended point, in the ranking; None removes it."""
    ranking = index.ended
    before = ranking.put(number, value)
    undo_log.record(ranking.put, number, before)


def _index_state(undo_log: UndoLog, sweep: Sweep, index: SweepIndex, run: Run) -> None:
    if run.state in FINAL_RUN:
        undo_log.discard(index.unfinished, run.number)
        _count_ended(undo_log, sweep, index, run)
    else:
        undo_log.add(index.unfinished, run.number)
    waiting = index.pending
    if run.state is RunState.PENDING or run.number in waiting:
        before = waiting.put(run.number, run.place if run.state is RunState.PENDING else None)
        undo_log.record(waiting.put, run.number, before)


def _count_ended(undo_log: UndoLog, sweep: Sweep, index: SweepIndex, run: Run) -> None:
    undo_log.set(index, "recent", (*index.recent, run.state is RunState.FAILED)[-RECENT_RUNS:])
    if sweep.spec.repeats == 1:
        rank(undo_log, index, run.number, run.value(sweep.value_kind))
    if run.number in index.retried:
        undo_log.put(index.retried, run.number, (run.state, run.attempt))


def _index_rungs(undo_log: UndoLog, sweep: Sweep, index: SweepIndex, before: Run | None, run: Run) -> None:
    was, held = rungs_held(sweep, before), rungs_held(sweep, run)
    if was == held:
        return
    for key in was:
        undo_log.discard(index.at_rung[key], run.number)
    for key in held:
        if key not in index.at_rung:
            undo_log.put(index.at_rung, key, set())
        undo_log.add(index.at_rung[key], run.number)


VALUES_PER_STEP = 500
"""Number of values per step, half a millisecond of work; a concurrent call waits for several steps."""


def index_with(sweep: Sweep, priors: Sequence[PriorRun]) -> Steps[SweepIndex]:
    """Return, in steps, the index of a new sweep that begins with prior runs."""
    index, goal = index_of(sweep), sweep.goal
    index.digests = digests_of(priors)
    values = ((prior.number, each) for prior in priors for each in prior.rungs)
    while some := list(islice(values, VALUES_PER_STEP)):
        for run, (rule, iteration, value) in some:
            index.rungs.setdefault((rule, iteration), Rung()).by_run[run] = cost(value, goal)
        yield
    done = 0
    for rung in index.rungs.values():
        rung.costs, rung.prior = sorted(rung.by_run.values()), len(rung.by_run)
        done += rung.prior
        if done > VALUES_PER_STEP:
            done = 0
            yield
    return index


class State:
    """State that decisions read and write. Only `last_seen` is also renewed outside decisions."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.undo_log = UndoLog()
        self.counters = {"sweep": 0, "number": 0, "ask": 0}
        self.names: dict[SweepName, int] = {}
        self.reserved_ids: set[tuple[Parent, str]] = set()
        self.sweeps: dict[int, Sweep] = {}
        self.ended: dict[int, EndedSweep] = {}
        self.index: dict[int, SweepIndex] = {}
        self.studies: dict[int, Study] = {}
        self.runs: dict[RunKey, Run] = {}
        self.last_seen: dict[RunKey, float] = {}
        self.suspects: set[RunKey] = set()
        self.sessions: dict[str, Session] = {}
        self.holdings: dict[str, Holdings] = {}
        self.streams: dict[str, str] = {}  # agent -> its session, the newest one
        self.unconfirmed: dict[RunKey, UnconfirmedHandOut] = {}
        self.placements: dict[RunKey, Placement] = {}

    def restore(
        self, sweeps: Iterable[StoredSweep], ended: Iterable[tuple[int, EndedSweep]], number: int, now: float
    ) -> None:
        """Restore the state from the database, once, at the start; renew every lease.

        Args:
            sweeps: the sweeps that have not ended.
            ended: summaries of the others, by key.
            number: number of the last entry of the history.
            now: monotonic seconds.
        """
        for key, sweep_ended in ended:
            self.ended[key] = sweep_ended
            self._name(sweep_ended.name, key)
        for stored in sweeps:
            self._restore_sweep(stored, now)
        self.counters["sweep"] = max((*self.sweeps, *self.ended), default=0)
        self.counters["number"] = number

    def first_timers(self, now: float) -> Iterator[tuple[float, LeaseDue]]:
        """Yield the timers of the leases that `restore` has renewed."""
        return ((now + self.timeouts.lease, LeaseDue(run.key, run.attempt)) for run in self.live_runs())

    def live_runs(self) -> Iterator[Run]:
        """Yield the assigned and running runs."""
        return (run for run in self.runs.values() if run.state in LIVE_RUN)

    def renew_leases(self, session: str, now: float, alive: Iterable[AttemptRef] | None = None) -> None:
        """Renew the leases of a session that has sent a message.

        Args:
            session: the sender.
            now: monotonic seconds.
            alive: the attempts that a heartbeat names; None renews all live attempts of the session.
        """
        holdings = self.holdings.get(session)
        if holdings is None:
            return
        named = None if alive is None else {ref.handle for ref in alive}
        for key in holdings.live:
            if named is None or self.placements[key].ref.handle in named:
                self.last_seen[key] = now

    def renew_all(self, now: float) -> None:
        """Renew every lease, after a time in which no reports could be stored."""
        for key in self.last_seen:
            self.last_seen[key] = now

    def name_taken(self, name: SweepName) -> bool:
        """Return True if a new sweep or standalone run cannot have this name.

        The name may be in use, or may clash with the names of a sweep's runs: a sweep `a` and a standalone
        run `a-1` cannot both exist, as `a` may get a run of that name.
        """
        sweep_id = sweep_of_run_id(name.id)
        if name in self.names or (name.parent, name.id) in self.reserved_ids:
            return True
        if self.is_standalone(name.parent, name.id):
            return True
        return sweep_id is not None and SweepName(name.parent, sweep_id) in self.names

    def key_of(self, name: SweepName) -> int:
        """Return the key of a sweep.

        Raises:
            NotFoundError: there is no such sweep.
        """
        key = self.names.get(name)
        if key is None:
            raise NotFoundError(str(name))
        return key

    def is_standalone(self, parent: Parent, run_id: str) -> bool:
        """Return True if a standalone run of the project has this id."""
        key = self.names.get(standing_name(parent))
        return key is not None and run_id.encode() in self.index[key].digests

    def _name(self, name: SweepName, key: int) -> None:
        self.names[name] = key
        self._reserve_id(name.parent, name.id)

    def _reserve_id(self, parent: Parent, text: str) -> None:
        owner = sweep_of_run_id(text)
        if owner is not None:
            self.reserved_ids.add((parent, owner))

    def _restore_sweep(self, stored: StoredSweep, now: float) -> None:
        sweep = stored.sweep
        self._name(sweep.name, sweep.key)
        self.sweeps[sweep.key] = sweep
        self.index[sweep.key] = index_from(stored)
        self.studies[sweep.key] = Study()
        if sweep.name.is_standing:
            for run_id in stored.digests:
                self._reserve_id(sweep.name.parent, run_id.decode())
        for run in stored.runs:
            self.runs[run.key] = run
            if run.state is not RunState.PENDING:
                self.last_seen[run.key] = now
                if run.newest.state is AttemptState.SUSPECT:
                    self.suspects.add(run.key)
            if run.state is RunState.ASSIGNED:
                self.unconfirmed[run.key] = UnconfirmedHandOut(attempt=run.attempt, offers=0)
