"""Prior runs as messages: which are meant, what became of them, and what a sweep keeps of each."""

from dataclasses import dataclass
from math import inf, isfinite

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.codec import point_message
from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler import codec
from sweepd_scheduler.domain.names import Parent, SweepName, parent, sweep_name
from sweepd_scheduler.domain.search.prior_run import PriorRun
from sweepd_scheduler.domain.states import FINAL_RUN, RunState

MOST_RUNS = 100_000
MOST_TOLD = 1_000
_FIELD = "prior_runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which runs of whole sweeps are meant. Times are microseconds since 1970."""

    states: tuple[RunState, ...] = ()
    tags: frozenset[str] = frozenset()
    created_from: int = 0
    created_before: int | None = None
    min_value: float = -inf
    max_value: float = inf

    @property
    def needs_value(self) -> bool:
        """Whether runs without a value are not meant."""
        return self.min_value > -inf or self.max_value < inf

    def takes_time(self, time: int) -> bool:
        """Tell whether a run created then may be meant."""
        return time >= self.created_from and (self.created_before is None or time < self.created_before)

    def takes_value(self, value: float | None) -> bool:
        """Tell whether a run of this value is meant."""
        if value is None:
            return not self.needs_value
        return self.min_value <= value <= self.max_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The runs that are meant: some by name, and all of some sweeps, or of a project, that a filter takes."""

    runs: tuple[str, ...]
    sweeps: tuple[SweepName, ...]
    project: Parent | None
    filter: Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What became of a selection.

    Args:
        taken: those that suit, by index.
        points: how many points of the method they have.
        unsuitable: the first of those that do not, with the reason.
        left_out: how many do not.
        without_curve: how many were taken without their values at rungs.
    """

    taken: tuple[PriorRun, ...] = ()
    points: int = 0
    unsuitable: tuple[tuple[str, str], ...] = ()
    left_out: int = 0
    without_curve: int = 0


def selection(message: v1.PriorRunSelection) -> Selection:
    """Read which runs are meant.

    Raises:
        InvalidFieldError: a filter makes no sense, or too many are named.
        NotFoundError: a name of a sweep cannot be one.
    """
    names = tuple(dict.fromkeys(message.runs))
    if len(names) > MOST_RUNS:
        raise InvalidFieldError(f"{_FIELD}.runs", f"at most {MOST_RUNS:,} runs can be named")
    return Selection(
        runs=names,
        sweeps=tuple(dict.fromkeys(sweep_name(name) for name in message.sweeps)),
        project=parent(message.project, f"{_FIELD}.project") if message.project else None,
        filter=_filter(message.filter),
    )


def report_message(found: Gathered) -> v1.PriorRunReport:
    """Return what became of a selection."""
    return v1.PriorRunReport(
        taken=len(found.taken),
        unsuitable=found.left_out,
        unsuitable_runs=[v1.UnsuitableRun(run=run, reason=why) for run, why in found.unsuitable],
        without_curve=found.without_curve,
    )


def prior_run_message(prior: PriorRun, bounds: Bounds) -> v1.PriorRun:
    """Return what a sweep keeps of a run; its name is none to a caller for whom that does not exist."""
    return v1.PriorRun(
        index=prior.index,
        run=prior.source if bounds.covers_name(prior.source) else "",
        parameters=point_message(prior.point),
        state=codec.RUN_STATES[prior.state],
        iterations=prior.values.iterations,
        value=prior.value,
        best_value=prior.values.best,
        last_value=prior.values.last,
    )


def _filter(message: v1.PriorRunFilter) -> Filter:
    states = codec.states(codec.RUN_STATES, message.states)
    going = [state for state in states if state not in FINAL_RUN]
    if going:
        raise InvalidFieldError(f"{_FIELD}.filter.states", f"a run that is {going[0]} has not ended")
    return Filter(
        states=states,
        tags=frozenset(message.tags),
        created_from=_microseconds(message.created_from) if message.HasField("created_from") else 0,
        created_before=_microseconds(message.created_before) if message.HasField("created_before") else None,
        min_value=_bound("min_value", message.min_value) if message.HasField("min_value") else -inf,
        max_value=_bound("max_value", message.max_value) if message.HasField("max_value") else inf,
    )


def _bound(name: str, value: float) -> float:
    if not isfinite(value):
        raise InvalidFieldError(f"{_FIELD}.filter.{name}", "a bound must be finite")
    return value


def _microseconds(time: Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1_000
