"""Ports to the database: the owner's side, `Store`, and the readers', `Records`."""

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
    """Everything that the owner keeps in memory.

    Args:
        sweeps: those that have not ended.
        ended: the others.
        newest_request: time of the newest remembered request; 0: there is none.
        number: the last one of a change or of the record.
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
"""End of a page of the runs of a project: time of creation, key of the sweep, number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLine:
    """A numbered observation, with the point of the run where it was handed out. Prior runs are negative."""

    note: StudyObservation
    point: Point | None

    @property
    def weight(self) -> int:
        """Bytes that it has at most as a message."""
        return _NOTE_BYTES + point_weight(self.point)


@dataclass(frozen=True, slots=True)
class TriedPoint:
    """The point of a run that has been tried, and the value by which the sweep compares it, if it has one."""

    run: int
    point: Point
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Part of a sweep as it is, or as it has changed; `number` is that of the newest change in it.

    Args:
        more: whether runs were left out that come after these.
    """

    sweep: Sweep | None
    runs: tuple[Run, ...]
    number: int
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCounts:
    """Contents of a project, and the time of the oldest, in microseconds; 0: it is empty."""

    create_time: int
    sweeps: int
    runs: int


class Store(Protocol):
    """The owner's side: one writer, calls one at a time, in any thread."""

    def load(self) -> Loaded:
        """Return what is held in memory."""

    def recall(self, keys: Collection[RequestKey], forget_before: int) -> Recollection:
        """Return what is remembered of some requests, and of the quotas that they are charged to.

        Args:
            keys: the requests.
            forget_before: requests older than this (microseconds) are forgotten, some at a time.

        Raises:
            StorageError: the database cannot be read.
        """

    def commit(self, changes: Sequence[Change], number: int) -> None:
        """Store all changes durably in one transaction; rows are marked with `number`, which grows.

        Raises:
            StorageError: nothing was stored, as the database is unavailable; it may come back.
            DamagedError: nothing was stored, as the database is damaged.
            Exception: nothing was stored, as the changes cannot be.
        """

    def close(self) -> None:
        """Close the database."""


class Records(Protocol):
    """The readers' side: what was committed, in any thread; never more at once than one message carries.

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
        """Return sweeps without their files, newest first, with keys below `before`; empty names are any.

        The sweep without an id, which holds the standalone runs of a project, is none of them.
        """

    def stored(self, name: SweepName) -> StoredSweep | None:
        """Return one sweep with all that the owner holds of an active one."""

    def chosen_runs(self, sweep: Sweep, states: Sequence[RunState], numbers: Sequence[int]) -> Sequence[Run]:
        """Return every run in one of some states that has one of some numbers, by number; empty: any."""

    def events(self, sweep: int, run: int, limit: int) -> Sequence[HistoryEntry]:
        """Return the newest lines of the record of a run, oldest first."""

    def run(self, name: RunName) -> Run | None:
        """Return one run with all attempts; a name like that of a sweep's run may be of a standalone one."""

    def details(self, run: RunKey) -> bytes | None:
        """Return the details of a run, a serialised `RunDetails`; None if there are none."""

    def runs(
        self, sweep: Sweep, states: Sequence[RunState], after: RunPosition | None, limit: int, *, best: bool
    ) -> Page[Run]:
        """Return runs by number, or the best first, without those that have no value."""

    def runs_of_project(
        self,
        parent: Parent,
        states: Sequence[RunState],
        before: RunPlace | None,
        limit: int,
        *,
        standalone: bool,
    ) -> Page[Run]:
        """Return runs of a project, of its sweeps and by themselves or the latter alone, the newest first."""

    def snapshot(self, sweep: int, after: int, limit: int) -> Changed:
        """Return a sweep and its runs with numbers above `after`, at most `limit`."""

    def changed_since(self, sweep: int, number: int, limit: int) -> Changed | None:
        """Return what has changed after `number`; None if it is not known, or there is more than fits."""

    def observations(self, sweep: int, after: int, limit: int) -> Page[StudyLine]:
        """Return numbered observations of a study in order."""

    def prior_runs(self, sweep: int, after: int, limit: int) -> Page[PriorRun]:
        """Return the runs that a sweep began with, by index, without their values at rungs."""

    def run_values(self, sweep: Sweep) -> Sequence[RunValue]:
        """Return what each run of a sweep shows, by number: of all of them, as it is little."""

    def tried_points(self, sweep: Sweep, share: Share, limit: int, *, valued: bool) -> Page[TriedPoint]:
        """Return points of runs that have finished or were stopped, by number.

        Args:
            sweep: whose runs.
            share: which of them.
            limit: so many at most; fewer where points are large.
            valued: only those that have a value, prior runs among them.
        """

    def project_names(self) -> Sequence[Parent]:
        """Return the projects that have sweeps or runs."""

    def project_counts(self, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
        """Return what each of some projects holds."""

    def known(self, attempts: Sequence[tuple[RunName, int]]) -> Sequence[StoredAttempt | None]:
        """Return what is stored of each attempt; None where there is nothing."""
