"""State in memory: sweeps and runs that have not ended, sessions, and indices."""

from collections.abc import Iterable, Iterator

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.agents.agent import AttemptRef, Holdings, Placement, Session, UnconfirmedHandOut
from sweepd_scheduler.domain.events import LeaseDue, Timeouts
from sweepd_scheduler.domain.names import Parent, SweepName, standing_name, sweep_of_run_id
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.search.study import Study
from sweepd_scheduler.domain.sweep_index import SweepIndex, index_from
from sweepd_scheduler.domain.sweeps.sweep import EndedSweep, StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import LIVE_RUN, AttemptState, RunState
from sweepd_scheduler.domain.undo_log import UndoLog


class State:
    """State that decisions read. Only decisions write to it; any message renews `last_seen`."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.undo_log = UndoLog()
        self.counters = {"sweep": 0, "number": 0, "ask": 0}
        self.names: dict[SweepName, int] = {}
        self.run_like: set[tuple[Parent, str]] = set()
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
        """Restore what the database holds, once, at the start; every lease begins anew."""
        for key, over in ended:
            self.ended[key] = over
            self._name(over.name, key)
        for stored in sweeps:
            self._restore_sweep(stored, now)
        self.counters["sweep"] = max((*self.sweeps, *self.ended), default=0)
        self.counters["number"] = number

    def first_timers(self, now: float) -> Iterator[tuple[float, LeaseDue]]:
        """Return the timers of the leases that began anew."""
        return ((now + self.timeouts.lease, LeaseDue(run.key, run.attempt)) for run in self.live_runs())

    def live_runs(self) -> Iterator[Run]:
        """Return the runs that an agent holds, or held when it was last seen."""
        return (run for run in self.runs.values() if run.state in LIVE_RUN)

    def renew_leases(self, session: str, now: float, alive: Iterable[AttemptRef] | None = None) -> None:
        """Renew leases as a session has sent a message.

        Args:
            session: the sender.
            now: monotonic seconds.
            alive: the attempts that a heartbeat names; None renews all that are live in the session.
        """
        holdings = self.holdings.get(session)
        if holdings is None:
            return
        named = None if alive is None else {ref.handle for ref in alive}
        for key in holdings.live:
            if named is None or self.placements[key].ref.handle in named:
                self.last_seen[key] = now

    def renew_all(self, now: float) -> None:
        """Renew every lease, as reports could not be stored for a while."""
        for key in self.last_seen:
            self.last_seen[key] = now

    def name_taken(self, name: SweepName) -> bool:
        """Tell whether a sweep or a run goes by this name, or a run that a sweep may come to have."""
        sweep_id = sweep_of_run_id(name.id)
        if name in self.names or (name.parent, name.id) in self.run_like:
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
        """Tell whether a standalone run of the project has this id."""
        key = self.names.get(standing_name(parent))
        return key is not None and run_id.encode() in self.index[key].digests

    def _name(self, name: SweepName, key: int) -> None:
        self.names[name] = key
        self._note_run_like(name.parent, name.id)

    def _note_run_like(self, parent: Parent, text: str) -> None:
        owner = sweep_of_run_id(text)
        if owner is not None:
            self.run_like.add((parent, owner))

    def _restore_sweep(self, stored: StoredSweep, now: float) -> None:
        sweep = stored.sweep
        self._name(sweep.name, sweep.key)
        self.sweeps[sweep.key] = sweep
        self.index[sweep.key] = index_from(stored)
        self.studies[sweep.key] = Study()
        if sweep.name.is_standing:
            for run_id in stored.digests:
                self._note_run_like(sweep.name.parent, run_id.decode())
        for run in stored.runs:
            self.runs[run.key] = run
            if run.state is not RunState.PENDING:
                self.last_seen[run.key] = now
                if run.newest.state is AttemptState.SUSPECT:
                    self.suspects.add(run.key)
            if run.state is RunState.ASSIGNED:
                self.unconfirmed[run.key] = UnconfirmedHandOut(attempt=run.attempt, offers=0)
