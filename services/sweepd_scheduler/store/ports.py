"""Ports of the database: `Store` for the owner, `Records` for readers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sweepd.spec.point import Point
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_scheduler.domain.agents.agent import StoredAttempt
from sweepd_scheduler.domain.effects import Change, HistoryEntry
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.requests.remembered import Recollection, RequestKey
from sweepd_scheduler.domain.runs.results import RunSample, RunValue
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.search.study import StudyObservation
from sweepd_scheduler.domain.sweep import EndedSweep, StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState
from sweepd_scheduler.message_size import Page, point_weight

_NOTE_BYTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Everything that the owner keeps in memory, as read from the database.

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
    """End of a page of runs: number of its last run, and the run's value if the runs are ordered by value."""

    number: int
    value: float | None = None


RunPlace = tuple[int, int, int]
"""End of a page of a project's runs: creation time, sweep key and number of the last run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLine:
    """Numbered observation; a hand-out has the point of its run. Prior runs have negative run numbers."""

    note: StudyObservation
    point: Point | None

    @property
    def weight(self) -> int:
        """Maximum size of the observation as a message, in bytes."""
        return _NOTE_BYTES + point_weight(self.point)


@dataclass(frozen=True, slots=True)
class TriedPoint:
    """Point of a run that has finished or was stopped, with the run's value for the search, if it has one."""

    run: int
    point: Point
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Part of a sweep's state or of its changes.

    Args:
        sweep: the sweep; None if the part does not contain it.
        runs: new or changed runs.
        number: number of the newest change that is covered; a watch can resume after it.
        more: True if more runs follow.
    """

    sweep: Sweep | None
    runs: tuple[Run, ...]
    number: int
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCounts:
    """Number of sweeps and number of runs of a project.

    `create_time`: creation of the first sweep or run, in microseconds since 1970; 0: there is none.
    """

    create_time: int
    sweeps: int
    runs: int


class Store(Protocol):
    """Port for the owner, the only writer. Calls are made one at a time, from any thread."""

    def load(self) -> Loaded:
        """Return the state that the owner keeps in memory."""

    def recall(self, keys: Collection[RequestKey], forget_before: int) -> Recollection:
        """Return the remembered requests among `keys`, and the usage of the quotas they are charged to.

        Args:
            keys: keys of the requests.
            forget_before: time in microseconds on the request-age clock; some of the older requests are
                deleted.

        Raises:
            DomainError: the database cannot be read.
        """

    def commit(self, changes: Sequence[Change], number: int) -> None:
        """Store all changes durably in one transaction.

        Changed rows are marked with `number`, which must be greater than in earlier calls.

        Raises:
            StorageError: nothing was stored, as the database is unavailable for now.
            DamagedError: nothing was stored, as the database is damaged.
            Exception: nothing was stored, because of a bug.
        """

    def close(self) -> None:
        """Close the database."""


class Records(Protocol):
    """Port for readers of committed data, in any thread. Every page fits into one message.

    Every method may raise StorageError or DamagedError.
    """

    def sweep(self, name: SweepName) -> Sweep | None:
        """Return a sweep; None if there is none of this name."""

    def sweeps(
        self,
        entity: str,
        project: str,
        states: Sequence[SweepState],
        before: int | None,
        limit: int,
        bounds: Bounds = EVERYWHERE,
    ) -> Page[Sweep]:
        """Return sweeps without their files, newest first.

        Standing sweeps, which hold the standalone runs of a project, are left out.

        Args:
            entity: their entity; empty: any.
            project: their project; empty: any.
            states: their states; empty: any.
            before: only sweeps with keys below this one; None: all.
            limit: maximum number of sweeps.
            bounds: only sweeps within these bounds.
        """

    def stored(self, name: SweepName) -> StoredSweep | None:
        """Return a sweep and everything about it that the owner keeps in memory; None if there is none."""

    def chosen_runs(self, sweep: Sweep, states: Sequence[RunState], numbers: Sequence[int]) -> Sequence[Run]:
        """Return the runs of a sweep with one of these states and one of these numbers, ordered by number.

        An empty `states` or `numbers` means any.
        """

    def events(self, sweep: int, run: int, limit: int) -> Sequence[HistoryEntry]:
        """Return the newest history entries of a run, oldest first."""

    def run(self, name: RunName) -> Run | None:
        """Return a run with all attempts; None if there is none.

        A name of the form `{sweep}-{number}` may be that of a standalone run.
        """

    def details(self, run: RunKey) -> bytes | None:
        """Return the details of a run, a serialised `RunDetails`; None if there are none."""

    def runs(
        self, sweep: Sweep, states: Sequence[RunState], after: RunPosition | None, limit: int, *, best: bool
    ) -> Page[Run]:
        """Return runs of a sweep ordered by number; with `best`, only runs that have a value, best first.

        Args:
            sweep: the sweep.
            states: their states; empty: any.
            after: end of the previous page; None: the first page.
            limit: maximum number of runs.
            best: order by value instead of number.
        """

    def runs_of_project(
        self,
        parent: Parent,
        states: Sequence[RunState],
        before: RunPlace | None,
        limit: int,
        *,
        standalone: bool,
    ) -> Page[Run]:
        """Return runs of a project, newest first.

        Args:
            parent: the project.
            states: their states; empty: any.
            before: end of the previous page; None: the first page.
            limit: maximum number of runs.
            standalone: return only standalone runs.
        """

    def snapshot(self, sweep: int, after: int, limit: int) -> Changed:
        """Return a sweep, and at most `limit` of its runs with numbers above `after`."""

    def changed_since(self, sweep: int, number: int, limit: int) -> Changed | None:
        """Return a sweep's changes after `number`; None if `number` is unknown or there are too many."""

    def observations(self, sweep: int, after: int, limit: int) -> Page[StudyLine]:
        """Return the observations of a study with numbers above `after`, ordered by number."""

    def prior_runs(self, sweep: int, after: int, limit: int) -> Page[PriorRun]:
        """Return the prior runs of a sweep after index `after`, ordered by index, without values at rungs."""

    def run_values(self, sweep: Sweep) -> Sequence[RunValue]:
        """Return the values of all runs of a sweep, ordered by number; they are small and need no pages."""

    def tried_points(self, sweep: Sweep, share: RunSample, limit: int, *, valued: bool) -> Page[TriedPoint]:
        """Return the points of runs that have finished or were stopped, ordered by number.

        Args:
            sweep: the sweep of the runs.
            share: the sample of the runs to return.
            limit: maximum number of points; fewer if points are large.
            valued: return only runs that have a value, prior runs included.
        """

    def project_names(self) -> Sequence[Parent]:
        """Return the projects that have sweeps or runs."""

    def project_counts(self, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
        """Count sweeps and runs per project."""

    def known(self, attempts: Sequence[tuple[RunName, int]]) -> Sequence[StoredAttempt | None]:
        """Return the stored record of each attempt; None if there is none."""
