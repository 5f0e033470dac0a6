"""Prior runs of a new sweep: selection, suitable runs, and their results in the sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from sweepd import v1
from sweepd.codec.details import plain_map, summary_number
from sweepd.spec.point import Json
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.domain.names import Parent, SweepName
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.search.prior_runs import (
    Candidate,
    PointError,
    PriorRun,
    UnsuitableError,
    candidate,
    result_in,
)
from sweepd_scheduler.domain.transitions import RunState
from sweepd_scheduler.store.ports import Records

MAX_RUNS = 100_000
MAX_REASONS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Filter for runs that are not selected by name. Times are microseconds since 1970."""

    states: tuple[RunState, ...] = ()
    tags: frozenset[str] = frozenset()
    created_from: int = 0
    created_before: int | None = None
    min_value: float = -inf
    max_value: float = inf

    @property
    def needs_value(self) -> bool:
        """True if runs without a value do not match."""
        return self.min_value > -inf or self.max_value < inf

    def takes_time(self, time: int) -> bool:
        """Return True if a run created at this time may match."""
        return time >= self.created_from and (self.created_before is None or time < self.created_before)

    def takes_value(self, value: float | None) -> bool:
        """Return True if a run with this value matches."""
        if value is None:
            return not self.needs_value
        return self.min_value <= value <= self.max_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Selection of runs: `runs` by name, and those runs of sweeps and of a project that match a filter."""

    runs: tuple[str, ...]
    sweeps: tuple[SweepName, ...]
    project: Parent | None
    filter: Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Result of gathering the selected runs.

    Args:
        taken: the suitable runs, ordered by index.
        points: number of their distinct points that the search method would otherwise hand out.
        unsuitable: the first unsuitable runs, each with the reason.
        left_out: number of unsuitable runs.
        without_curve: number of runs taken without their values at rungs.
    """

    taken: tuple[PriorRun, ...] = ()
    points: int = 0
    unsuitable: tuple[tuple[str, str], ...] = ()
    left_out: int = 0
    without_curve: int = 0


@dataclass(frozen=True, slots=True)
class ScriptDetails:
    """The configuration, summary and tags that a run's script has set."""

    config: Mapping[str, Json] = field(default_factory=dict)
    summary: Mapping[str, Json] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()

    def value(self, key: str) -> float | None:
        """Return the finite number under a key of the summary; None if there is none.

        A dot separates nested keys: `a.b` is the key `b` of the group `a`.
        """
        found = summary_number(self.summary, key)
        return found if found is not None and isfinite(found) else None


def script_details(records: Records, run: RunKey) -> ScriptDetails:
    """Read the details of a run, which may be large: callers must not keep the details of many runs."""
    body = records.details(run)
    if body is None:
        return ScriptDetails()
    message = v1.RunDetails.FromString(body)
    return ScriptDetails(plain_map(message.config), plain_map(message.summary), frozenset(message.tags))


def tagged(records: Records, runs: Sequence[Run], tags: frozenset[str]) -> list[Run]:
    """Return the runs whose scripts have set all of the tags."""
    return [run for run in runs if tags <= script_details(records, run.key).tags]


def summary_values(records: Records, runs: Sequence[RunKey], key: str) -> list[float | None]:
    """Return the value under a key of the summary of each run; None if there is no finite number."""
    return [script_details(records, run).value(key) for run in runs]


PriorOutcome = PriorRun | UnsuitableError

MAX_RUNG_VALUES = 500_000
"""Maximum number of rung values of a sweep's prior runs, as all are kept in memory and read at each start."""


@dataclass(slots=True)
class FoundRuns:
    """Runs whose points suit a sweep, the number of unsuitable runs, and the reasons for the first of these.

    `named`: runs that were selected by name. They are judged first, and skipped if their sweep or project is
    also selected, so that no run is judged twice and no filter applies to them.
    """

    spec: SweepSpec
    candidates: list[Candidate] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    unsuitable: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0

    def refuse(self, run: str, why: str) -> None:
        """Count an unsuitable run, and keep the reason if it is one of the first."""
        self.left_out += 1
        if len(self.unsuitable) < MAX_REASONS:
            self.unsuitable.append((run, why))

    def judge(self, runs: Sequence[Run], before: SweepSpec | None, *, named: bool = False) -> list[Run]:
        """Add the runs whose points suit; return those that need the configuration logged by their script.

        Args:
            runs: the runs.
            before: specification of their sweep; None: they are standalone.
            named: True if they were selected by name.

        Raises:
            InvalidFieldError: there are too many suitable runs.
        """
        unsure: list[Run] = []
        for run in runs:
            if run.name in self.named:
                continue
            if named:
                self.named.add(run.name)
            try:
                self._take(candidate(self.spec, run, before))
            except PointError:
                unsure.append(run)
            except UnsuitableError as error:
                self.refuse(run.name, str(error))
        return unsure

    def judge_with_details(self, records: Records, runs: Sequence[Run], before: SweepSpec | None) -> None:
        """Add the runs whose points suit if completed with the configuration logged by their scripts.

        Raises:
            InvalidFieldError: there are too many suitable runs.
        """
        for run in runs:
            try:
                self._take(candidate(self.spec, run, before, script_details(records, run.key).config))
            except UnsuitableError as error:
                self.refuse(run.name, str(error))

    def _take(self, found: Candidate) -> None:
        if len(self.candidates) >= MAX_RUNS:
            raise InvalidFieldError("prior_runs", f"a sweep can have at most {MAX_RUNS:,} prior runs")
        self.candidates.append(found)


@dataclass(slots=True)
class PriorRunCollector:
    """Collector of the prior runs of a new sweep, with their results in the sweep.

    Rung values beyond the maximum are dropped at once, as a run may have one for each of its rows.
    """

    found: FoundRuns
    chosen: Filter
    runs: list[PriorRun] = field(default_factory=list)
    without_curve: int = 0
    rung_values: int = 0

    def judge(self, each: Candidate, curve: Sequence[float], summary: float | None = None) -> PriorOutcome:
        """Return the result of a run, or the reason why it is unsuitable, for `add`."""
        try:
            result = result_in(self.found.spec, each, curve, summary)
        except UnsuitableError as error:
            return error
        if not self._matches(result):
            return replace(result, rungs=())
        if self.rung_values + len(result.rungs) > MAX_RUNG_VALUES:
            self.without_curve += 1
            return replace(result, rungs=())
        self.rung_values += len(result.rungs)
        return result

    def add(self, each: Candidate, outcome: PriorOutcome) -> None:
        """Add a judged run unless it is unsuitable or filtered out; call in the order of the candidates."""
        if not isinstance(outcome, UnsuitableError):
            if self._matches(outcome):
                self.runs.append(replace(outcome, index=len(self.runs) + 1))
        elif each.run.source in self.found.named or not self.chosen.needs_value:
            self.found.refuse(each.run.source, str(outcome))

    def _matches(self, result: PriorRun) -> bool:
        return result.source in self.found.named or self.chosen.takes_value(result.value)
