"""What the scheduler holds in memory: sweeps that go on, runs that are not final, sessions, and indices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sweepd_scheduler.domain.agent import AttemptRef, Holdings, OnItsWay, Placement, Session
from sweepd_scheduler.domain.early_termination import Rung, cost
from sweepd_scheduler.domain.events import LeaseDue
from sweepd_scheduler.domain.journal import Journal
from sweepd_scheduler.domain.names import Parent, SweepName, sweep_of_run_id
from sweepd_scheduler.domain.run import LIVE, AttemptState, Run, RunKey, RunState
from sweepd_scheduler.domain.study import Study
from sweepd_scheduler.domain.sweep import Best, Sweep, SweepState
from sweepd_scheduler.domain.terms import Terms


@dataclass(slots=True)
class SweepIndex:
    """What hand-outs and verdicts of one sweep look up instead of reading its runs.

    Args:
        digests: points that were handed out.
        rungs: values at each rung.
        at_rung: running runs by the latest rung that they have reached.
        pending: numbers of the runs that wait to be handed out again.
        unfinished: numbers of the runs that are not final.
        size: points that the method may hand out in all; None: no end to them.
        durations: run times of ended runs in seconds, sorted.
        ended_best: the best among the runs that are final.
        serving: sessions that serve the sweep.
        roomy: those of them that would take a run now.
    """

    size: int | None
    digests: set[bytes] = field(default_factory=set)
    rungs: dict[int, Rung] = field(default_factory=dict)
    at_rung: dict[int, set[int]] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    unfinished: set[int] = field(default_factory=set)
    durations: list[float] = field(default_factory=list)
    ended_best: Best | None = None
    serving: dict[str, None] = field(default_factory=dict)
    roomy: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSweep:
    """What is remembered of a sweep that is over; the rest is in the database."""

    name: SweepName
    state: SweepState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One sweep that goes on, as the database has it."""

    sweep: Sweep
    runs: tuple[Run, ...]
    digests: frozenset[bytes]
    rung_values: tuple[tuple[int, int, float], ...]  # rung, run, value
    durations: tuple[float, ...]
    ended_best: Best | None


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
        """Tell whether a sweep, or a run that a sweep has or may come to have, goes by this name."""
        sweep_id = sweep_of_run_id(name.id)
        if name in self.names or (name.parent, name.id) in self.run_like:
            return True
        return sweep_id is not None and SweepName(name.parent, sweep_id) in self.names

    def _name(self, name: SweepName, key: int) -> None:
        self.names[name] = key
        owner = sweep_of_run_id(name.id)
        if owner is not None:
            self.run_like.add((name.parent, owner))

    def _restore_sweep(self, stored: Stored, now: float) -> None:
        sweep = stored.sweep
        self._name(sweep.name, sweep.key)
        self.sweeps[sweep.key] = sweep
        index = self.index[sweep.key] = SweepIndex(
            size=sweep.space_size,
            digests=set(stored.digests),
            durations=sorted(stored.durations),
            ended_best=stored.ended_best,
        )
        self.studies[sweep.key] = Study()
        for rung, number, value in stored.rung_values:
            index.rungs.setdefault(rung, Rung()).put(number, cost(value, sweep.goal))
        for run in stored.runs:
            self.runs[run.key] = run
            index.unfinished.add(run.number)
            if run.state is RunState.PENDING:
                index.pending.add(run.number)
            else:
                self.heard[run.key] = now
                if run.newest.state is AttemptState.SUSPECT:
                    self.suspects.add(run.key)
            if run.state is RunState.ASSIGNED:
                self.unconfirmed[run.key] = OnItsWay(attempt=run.attempt, offers=0)
            if run.state is RunState.RUNNING and run.rung:
                index.at_rung.setdefault(run.rung, set()).add(run.number)
