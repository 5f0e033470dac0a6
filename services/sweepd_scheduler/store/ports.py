"""Ports to the database: `Store` for the owner, `Records` for readers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sweepd.spec.point import Point
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_scheduler.domain.agents.agent import StoredAttempt
from sweepd_scheduler.domain.effects import Change, HistoryEntry
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.requests.remembered import Recollection, RequestKey
from sweepd_scheduler.domain.runs.results import RunValue, Share
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.search.study import StudyObservation
from sweepd_scheduler.domain.sweep import EndedSweep, StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState
from sweepd_scheduler.message_size import Page, point_weight

_NOTE_BYTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Everything that the owner keeps in memory, as stored.

    Args:
        sweeps: the sweeps that have not ended.
        ended: key and summary of each ended sweep.
        newest_request: time of the newest remembered request; 0: there is none.
        number: the last number of a change or history entry.
    """

    sweeps: tuple[StoredSweep, ...]
    ended: tuple[tuple[int, EndedSweep], ...]
    newest_request: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPosition:
    """End of a page of runs: the last number, and its value if they are ordered by value."""

    number: int
    value: float | None = None


RunPlace = tuple[int, int, int]
"""End of a page of a project's runs: creation time, sweep key, run number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLine:
    """A numbered observation; at a hand-out with the run's point. Prior runs have negative numbers."""

    note: StudyObservation
    point: Point | None

    @property
    def weight(self) -> int:
        """Maximum size of its message in bytes."""
        return _NOTE_BYTES + point_weight(self.point)


@dataclass(frozen=True, slots=True)
class TriedPoint:
    """The point of a run that has been tried, and its value for the search, if it has one."""

    run: int
    point: Point
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Part of a sweep, or of its changes; `number` is the number of the newest change in it.

    Args:
        more: whether more runs follow.
    """

    sweep: Sweep | None
    runs: tuple[Run, ...]
    number: int
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCounts:
    """Counts of a project, and the creation time of its oldest sweep, in microseconds; 0: it is empty."""

    create_time: int
    sweeps: int
    runs: int


class Store(Protocol):
    """Port for the owner, the only writer: one call at a time, in any thread."""

    def load(self) -> Loaded:
        """Return the state that the owner keeps in memory."""

    def recall(self, keys: Collection[RequestKey], forget_before: int) -> Recollection:
        """Return the remembered requests among `keys`, and the quotas that they are charged to.

        Args:
            keys: keys of the requests.
            forget_before: requests older than this (microseconds) are deleted, some at a time.

        Raises:
            StorageError: the database cannot be read.
        """

    def commit(self, changes: Sequence[Change], number: int) -> None:
        """Store all changes durably in one transaction; rows are marked with `number`, which grows.

        Raises:
            StorageError: nothing was stored, as the database is unavailable for now.
            DamagedError: nothing was stored, as the database is damaged.
            Exception: nothing was stored, as the changes cannot be stored.
        """

    def close(self) -> None:
        """Close the database."""


class Records(Protocol):
    """Port for readers of committed data, in any thread; a page is never more than one message carries.

    Every method may raise StorageError, or DamagedError.
    """

    def sweep(self, name: SweepName) -> Sweep | None:
        """Return one sweep."""

    def sweeps(
        self,
        entity: str,
        project: str,
        states: Sequence[SweepState],
        before: int | None,
        limit: int,
        bounds: Bounds = EVERYWHERE,
    ) -> Page[Sweep]:
        """Return sweeps without their files, newest first, with keys below `before`; empty names match any.

        Standing sweeps, which hold the standalone runs of a project, are left out.
        """

    def stored(self, name: SweepName) -> StoredSweep | None:
        """Return one sweep with everything that the owner keeps of an active sweep."""

    def chosen_runs(self, sweep: Sweep, states: Sequence[RunState], numbers: Sequence[int]) -> Sequence[Run]:
        """Return all runs with one of these states and one of these numbers, by number; empty: any."""

    def events(self, sweep: int, run: int, limit: int) -> Sequence[HistoryEntry]:
        """Return the newest history entries of a run, oldest first."""

    def run(self, name: RunName) -> Run | None:
        """Return one run with all attempts; a name of the form SWEEP-NUMBER may be a standalone run's."""

    def details(self, run: RunKey) -> bytes | None:
        """Return the details of a run, a serialised `RunDetails`; None if there are none."""

    def runs(
        self, sweep: Sweep, states: Sequence[RunState], after: RunPosition | None, limit: int, *, best: bool
    ) -> Page[Run]:
        """Return runs by number, or with `best` those that have a value, the best first."""

    def runs_of_project(
        self,
        parent: Parent,
        states: Sequence[RunState],
        before: RunPlace | None,
        limit: int,
        *,
        standalone: bool,
    ) -> Page[Run]:
        """Return runs of a project, newest first, of its sweeps and standalone, or only standalone runs."""

    def snapshot(self, sweep: int, after: int, limit: int) -> Changed:
        """Return a sweep and its runs with numbers above `after`, at most `limit`."""

    def changed_since(self, sweep: int, number: int, limit: int) -> Changed | None:
        """Return the changes after `number`; None if `number` is unknown, or the changes exceed one page."""

    def observations(self, sweep: int, after: int, limit: int) -> Page[StudyLine]:
        """Return numbered observations of a study in order."""

    def prior_runs(self, sweep: int, after: int, limit: int) -> Page[PriorRun]:
        """Return the runs that a sweep began with, by index, without their values at rungs."""

    def run_values(self, sweep: Sweep) -> Sequence[RunValue]:
        """Return the value of each run of a sweep, by number: all at once, as they are small."""

    def tried_points(self, sweep: Sweep, share: Share, limit: int, *, valued: bool) -> Page[TriedPoint]:
        """Return points of runs that have finished or were stopped, by number.

        Args:
            sweep: the sweep of the runs.
            share: share of the runs to return.
            limit: maximum number; fewer if points are large.
            valued: only runs that have a value, including prior runs.
        """

    def project_names(self) -> Sequence[Parent]:
        """Return the projects that have sweeps or runs."""

    def project_counts(self, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
        """Return the counts of each project."""

    def known(self, attempts: Sequence[tuple[RunName, int]]) -> Sequence[StoredAttempt | None]:
        """Return the stored record of each attempt; None if there is none."""
