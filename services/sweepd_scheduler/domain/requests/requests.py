"""Requests of clients and their answers.

In all requests, `stored` is the sweep as read from the database, needed only if the sweep has ended: then the
request is first submitted without `stored`, refused with `NotInMemoryError`, and submitted again with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweepd.spec.point import Json, Point
from sweepd.spec.sweep_spec import ObjectiveValue, SweepSpec
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_kernel.errors import DomainError, Status
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.sweep import SourceFile, StoredSweep, Sweep


class NotInMemoryError(DomainError, status=Status.UNAVAILABLE, retry_after=0.5):
    """The request needs data from the database, or the data that was read for it is outdated.

    `whole`: the whole sweep has to be read.
    """

    def __init__(self, name: str, *, whole: bool = False) -> None:
        super().__init__(f"{name} changes too fast; try again")
        self.whole = whole


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRuns:
    """Request to hand out ended runs again.

    Args:
        sweep: sweep of the runs.
        runs: the runs as stored.
        siblings: with repeats, the other runs of the same points.
        named: True if the caller named each run; else runs that cannot be retried are skipped.
        stored: see the module.
    """

    sweep: SweepName
    runs: tuple[Run, ...]
    siblings: tuple[Run, ...] = ()
    named: bool
    stored: StoredSweep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueRun:
    """Request to try a point. `point` may omit parameters; `first`: queue it before all pending runs."""

    sweep: SweepName
    point: Point
    first: bool
    stored: StoredSweep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun:
    """Request to stop one run.

    `looked_up`: the run was not in memory and was looked up in the database; `found`: the stored run, if any.
    """

    name: RunName
    looked_up: bool = False
    found: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New values of the fields named in `fields`; `api/requester.py` rejects fields that cannot be edited."""

    fields: frozenset[str]
    run_cap: int | None = None
    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSweep:
    """Request to edit the specification of a sweep.

    Args:
        name: name of the sweep.
        edit: the change.
        revision: the revision that the caller has read; 0: any.
        last: with repeats, the last runs of the sweep as stored, as many as a point has.
        stored: see the module.
    """

    name: SweepName
    edit: Edit
    revision: int = 0
    last: tuple[Run, ...] = ()
    stored: StoredSweep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAgent:
    """Request to release an agent from quarantine.

    `sweep`: the sweep; None: all sweeps in the bounds `within`.
    """

    agent: str
    sweep: SweepName | None
    within: Bounds = EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRun:
    """Claim of a standalone run by the agent of its script; the first claim creates the run.

    Args:
        parent: project of the run.
        id: id of the run; None: the first of `drawn_ids` that is free.
        drawn_ids: candidates for the id.
        agent: the agent that reports on the run.
        host: the host that the script runs on.
        argv: command line of its process.
        point: its configuration.
        start_time: start of the process in microseconds since 1970; 0: now.
        attempt: number of this attempt.
        secret: the caller's proof that it owns the run; the first claim sets it.
        found: the stored run with this id, once it was looked up.
    """

    parent: Parent
    id: str | None
    drawn_ids: tuple[str, ...] = ()
    agent: str
    host: str
    argv: tuple[str, ...]
    point: Point
    start_time: int = 0
    attempt: int = 1
    secret: bytes = field(repr=False)
    found: Run | None = None


RunRequest = CreateRun | RetryRuns | EnqueueRun | EndRun | UpdateSweep | ReleaseAgent


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSweep:
    """Request to create a sweep.

    Args:
        parent: project of the sweep.
        id: id of the sweep; None: the first of `drawn_ids` that is free.
        drawn_ids: candidates for the id.
        spec: its specification, with a seed.
        file: the file that it was created from, if any.
        counted: number of points of its space, if counting gave an exact result.
        prior_runs: runs that it begins with, ordered by index.
        prior_points: number of its method's points that these runs have tried.
    """

    parent: Parent
    id: str | None
    drawn_ids: tuple[str, ...]
    spec: SweepSpec
    file: SourceFile | None
    counted: int | None = None
    prior_runs: tuple[PriorRun, ...] = ()
    prior_points: int = 0


@dataclass(frozen=True, slots=True)
class PauseSweep:
    """Request to hand out no runs of a sweep until it is resumed."""

    name: SweepName


@dataclass(frozen=True, slots=True)
class ResumeSweep:
    """Request to hand out runs of a paused sweep again."""

    name: SweepName


@dataclass(frozen=True, slots=True)
class StopSweep:
    """Request to hand out no more runs of a sweep; live runs may finish."""

    name: SweepName


@dataclass(frozen=True, slots=True)
class CancelSweep:
    """Request to end a sweep at once and kill its live runs."""

    name: SweepName


SweepRequest = CreateSweep | PauseSweep | ResumeSweep | StopSweep | CancelSweep
Request = SweepRequest | RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Answer: runs of one sweep as they are now. `kind`: kind of value that counts for the sweep."""

    runs: tuple[Run, ...]
    kind: ObjectiveValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """Answer: full names of the runs that are pending again."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Answer: full names of the sweeps whose runs the agent gets again."""

    sweeps: tuple[str, ...]


Answer = Sweep | Runs | Retried | Released
