"""What the scheduler holds in memory: sweeps that go on, runs that are not final, sessions, and indices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sweepd.spec import Hyperband
from sweepd_scheduler.domain.agents.agent import AttemptRef, Guarded, Holdings, OnItsWay, Placement, Session
from sweepd_scheduler.domain.agents.withheld import WithheldReason
from sweepd_scheduler.domain.early_termination.judging import Rung, costs, latest_rung
from sweepd_scheduler.domain.events import LeaseDue
from sweepd_scheduler.domain.handing_out.waiting import Waiting
from sweepd_scheduler.domain.journal import Journal
from sweepd_scheduler.domain.names import Parent, SweepName, no_sweep, sweep_of_run_id
from sweepd_scheduler.domain.runs.block import Ended, block_value
from sweepd_scheduler.domain.runs.ranking import Ranking
from sweepd_scheduler.domain.runs.run import LIVE, AttemptState, Run, RunKey, RunState
from sweepd_scheduler.domain.searching.study import Study
from sweepd_scheduler.domain.stored import EndedSweep, Stored
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.domain.terms import Terms

RECENT_RUNS = 20
RungKey = tuple[int, int]
"""Number of a rule of early termination, counted from 0; iteration."""


@dataclass(slots=True)
class SweepIndex:
    """What hand-outs and verdicts of one sweep look up instead of reading its runs.

    Args:
        digests: how often each point was handed out, or tried by a prior run.
        rungs: values at each rung of each rule of early termination.
        at_rung: running runs by the latest rung that they have reached, for each rule.
        pending: the runs that wait to be handed out, for the first time or again.
        unfinished: numbers of the runs that are not final.
        size: points that the method may hand out in all; None: no end to them, or nobody can tell.
        searching: whether the search for the next point was broken off and goes on soon.
        durations: run times of ended runs in seconds, sorted.
        ended: values of what has ended: of the runs that are final, or with repeats of the points.
        blocks: with repeats, the ended runs of each point that has unfinished ones, by its first number.
        recent: whether each of the last runs that ended had failed, the latest last.
        told: what the search was told that each point under way shows, by its first number; None: nothing.
            Missing are those of which that is not known, after a restart.
        again: runs that were retried, as they ended since; None while they have not.
        guards: agents with failures that the guard counts.
        serving: sessions that serve the sweep.
        roomy: those of them that would take a run now.
        wait: what kept its runs from all of them after the last decision.
    """

    size: int | None
    ended: Ranking
    digests: dict[bytes, int] = field(default_factory=dict)
    rungs: dict[RungKey, Rung] = field(default_factory=dict)
    at_rung: dict[RungKey, set[int]] = field(default_factory=dict)
    pending: Waiting = field(default_factory=Waiting)
    unfinished: set[int] = field(default_factory=set)
    durations: list[float] = field(default_factory=list)
    blocks: dict[int, list[Ended]] = field(default_factory=dict)
    recent: tuple[bool, ...] = ()
    told: dict[int, float | None] = field(default_factory=dict)
    again: dict[int, tuple[RunState, int] | None] = field(default_factory=dict)
    guards: dict[str, Guarded] = field(default_factory=dict)
    serving: dict[str, None] = field(default_factory=dict)
    roomy: dict[str, None] = field(default_factory=dict)
    searching: bool = False
    wait: WithheldReason = WithheldReason.NONE


def index_of(sweep: Sweep) -> SweepIndex:
    """Return the index of a sweep that has no runs yet."""
    return SweepIndex(size=sweep.space_size, ended=Ranking(sweep.goal))


class State:
    """Everything that decisions read. Only decisions write to it; `heard` alone is touched by any message."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.journal = Journal()
        self.counters = {"sweep": 0, "number": 0, "ask": 0}
        self.names: dict[SweepName, int] = {}
        self.run_like: set[tuple[Parent, str]] = set()
        self.sweeps: dict[int, Sweep] = {}
        self.ended: dict[int, EndedSweep] = {}
        self.index: dict[int, SweepIndex] = {}
        self.studies: dict[int, Study] = {}
        self.runs: dict[RunKey, Run] = {}
        self.heard: dict[RunKey, float] = {}
        self.suspects: set[RunKey] = set()
        self.sessions: dict[str, Session] = {}
        self.holdings: dict[str, Holdings] = {}
        self.streams: dict[str, str] = {}  # agent -> its session, the newest one
        self.unconfirmed: dict[RunKey, OnItsWay] = {}
        self.placements: dict[RunKey, Placement] = {}

    def restore(
        self, sweeps: Iterable[Stored], ended: Iterable[tuple[int, EndedSweep]], number: int, now: float
    ) -> None:
        """Take in what the database holds, once, at the start; every lease begins anew."""
        for key, over in ended:
            self.ended[key] = over
            self._name(over.name, key)
        for stored in sweeps:
            self._restore_sweep(stored, now)
        self.counters["sweep"] = max((*self.sweeps, *self.ended), default=0)
        self.counters["number"] = number

    def first_timers(self, now: float) -> Iterator[tuple[float, LeaseDue]]:
        """Return the timers of the leases that began anew."""
        return ((now + self.terms.lease, LeaseDue(run.key, run.attempt)) for run in self.live_runs())

    def live_runs(self) -> Iterator[Run]:
        """Return the runs that an agent holds, or held when it was last heard of."""
        return (run for run in self.runs.values() if run.state in LIVE)

    def hear(self, session: str, now: float, alive: Iterable[AttemptRef] | None = None) -> None:
        """Renew leases because a session has said something.

        Args:
            session: who spoke.
            now: monotonic seconds.
            alive: the attempts that a heartbeat names; None renews all that are live in the session.
        """
        holdings = self.holdings.get(session)
        if holdings is None:
            return
        named = None if alive is None else {ref.handle for ref in alive}
        for key in holdings.live:
            if named is None or self.placements[key].ref.handle in named:
                self.heard[key] = now

    def renew_all(self, now: float) -> None:
        """Give every live attempt a full new term: for a time nobody could have been heard."""
        for key in self.heard:
            self.heard[key] = now

    def name_taken(self, name: SweepName) -> bool:
        """Tell whether a sweep or a run goes by this name, or a run that a sweep may come to have."""
        sweep_id = sweep_of_run_id(name.id)
        if name in self.names or (name.parent, name.id) in self.run_like:
            return True
        if self.stands_alone(name.parent, name.id):
            return True
        return sweep_id is not None and SweepName(name.parent, sweep_id) in self.names

    def stands_alone(self, parent: Parent, run_id: str) -> bool:
        """Tell whether a stand-alone run of the project has this id."""
        key = self.names.get(no_sweep(parent))
        return key is not None and run_id.encode() in self.index[key].digests

    def _name(self, name: SweepName, key: int) -> None:
        self.names[name] = key
        self._note_run_like(name.parent, name.id)

    def _note_run_like(self, parent: Parent, text: str) -> None:
        owner = sweep_of_run_id(text)
        if owner is not None:
            self.run_like.add((parent, owner))

    def _restore_sweep(self, stored: Stored, now: float) -> None:
        sweep = stored.sweep
        self._name(sweep.name, sweep.key)
        self.sweeps[sweep.key] = sweep
        self.index[sweep.key] = index_from(stored)
        self.studies[sweep.key] = Study()
        if sweep.name.stands_for_none:
            for run_id in stored.digests:
                self._note_run_like(sweep.name.parent, run_id.decode())
        for run in stored.runs:
            self.runs[run.key] = run
            if run.state is not RunState.PENDING:
                self.heard[run.key] = now
                if run.newest.state is AttemptState.SUSPECT:
                    self.suspects.add(run.key)
            if run.state is RunState.ASSIGNED:
                self.unconfirmed[run.key] = OnItsWay(attempt=run.attempt, offers=0)


def index_from(stored: Stored) -> SweepIndex:
    """Return the index of a sweep from what is stored of it and its runs."""
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
    """Return where a running run is judged again with each value that arrives: its latest rungs."""
    if run is None or run.state is not RunState.RUNNING:
        return ()
    latest = (
        (rule, latest_rung(each, run.values.iterations))
        for rule, each in enumerate(sweep.spec.early_terminate)
        if isinstance(each, Hyperband)
    )
    return tuple(key for key in latest if key[1])


def _take_ended(index: SweepIndex, stored: Stored) -> None:
    spec, goal = stored.sweep.spec, stored.sweep.goal
    unfinished = {run.block for run in stored.runs}
    blocks: dict[int, list[Ended]] = {}
    for first, ended in stored.ended:
        blocks.setdefault(first, []).append(ended)
    for first, block in blocks.items():
        if spec.repeats > 1 and first in unfinished:
            index.blocks[first] = block
        elif spec.repeats > 1:
            index.ended.put(first, block_value(block, spec.aggregate, goal))
        else:
            index.ended.put(first, block[0].value)
