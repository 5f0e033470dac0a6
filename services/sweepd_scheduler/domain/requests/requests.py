"""Requests of clients and their answers.

`stored` carries what the database holds of a sweep that has ended; without it such a request is refused with
`NotInMemoryError`, and is submitted again with it.
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


class NotInMemoryError(DomainError):
    """The request needs what only the database has, or what it read has changed. `whole`: a whole sweep."""

    def __init__(self, name: str, *, whole: bool = False) -> None:
        super().__init__(f"{name} changes too fast; try again", status=Status.UNAVAILABLE, retry_after=0.5)
        self.whole = whole


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRuns:
    """A person wants ended runs handed out again.

    Args:
        sweep: whose runs they are.
        runs: as the database has them.
        siblings: with repeats, the other runs of their points.
        named: each of them was asked for by name; else those that may be retried are meant.
        stored: see above.
    """

    sweep: SweepName
    runs: tuple[Run, ...]
    siblings: tuple[Run, ...] = ()
    named: bool
    stored: StoredSweep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueRun:
    """A person wants a point tried. `point` may leave parameters out; `first`: before all that wait."""

    sweep: SweepName
    point: Point
    first: bool
    stored: StoredSweep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun:
    """A person wants one run to end. `found`: what the database has, for a run that is not in memory."""

    name: RunName
    looked_up: bool = False
    found: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New values of some fields of a specification; those that are not in `fields` mean nothing."""

    fields: frozenset[str]
    run_cap: int | None = None
    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSweep:
    """A person changes the specification.

    Args:
        name: of the sweep.
        edit: the change.
        revision: the one that was seen; 0 for whichever.
        last: with repeats, the last runs, as many as a point has.
        stored: see above.
    """

    name: SweepName
    edit: Edit
    revision: int = 0
    last: tuple[Run, ...] = ()
    stored: StoredSweep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAgent:
    """A person releases an agent. `sweep`: for which; None: for all `within` that have it quarantined."""

    agent: str
    sweep: SweepName | None
    within: Bounds = EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRun:
    """A person has started a script, and its agent claims the standalone run, for the first time or again.

    Args:
        parent: its project.
        id: None: the first of `drawn_ids` that is free.
        drawn_ids: candidates.
        agent: who reports on it.
        host: where it runs.
        argv: of its process.
        point: its configuration.
        start_time: when it began, 0 for now.
        attempt: which attempt at it this is.
        secret: proves that the run is the caller's, from its first claim on.
        found: the run that the database has under the id, once it was looked for.
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
    """A person wants a new sweep. `drawn_ids` are candidates for when `id` is None; `spec` has its seed.

    `counted`: how many points its space has, where that is known exactly after counting.
    `prior_runs`: those that it begins with, by index; `prior_points`: points of its method that they have.
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
    """A person wants no run handed out for a while."""

    name: SweepName


@dataclass(frozen=True, slots=True)
class ResumeSweep:
    """A person wants runs handed out again."""

    name: SweepName


@dataclass(frozen=True, slots=True)
class StopSweep:
    """A person wants no more runs; the live ones end by themselves."""

    name: SweepName


@dataclass(frozen=True, slots=True)
class CancelSweep:
    """A person wants a sweep to end at once."""

    name: SweepName


SweepRequest = CreateSweep | PauseSweep | ResumeSweep | StopSweep | CancelSweep
Request = SweepRequest | RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs of one sweep as they stand. `kind`: what their value is."""

    runs: tuple[Run, ...]
    kind: ObjectiveValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """Full names of the runs that wait again."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Full names of the sweeps of which the agent gets runs again."""

    sweeps: tuple[str, ...]


Answer = Sweep | Runs | Retried | Released
