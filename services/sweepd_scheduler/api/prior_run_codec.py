"""Prior runs as messages: which are meant, what became of them, and what a sweep keeps of each."""

from math import inf, isfinite

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.codec import point_message
from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.api.run_codec import RUN_STATES, read_states
from sweepd_scheduler.domain.names import parent, sweep_name
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.transitions import FINAL_RUN
from sweepd_scheduler.reads.prior_found import MOST_RUNS, Filter, Gathered, Selection

_FIELD = "prior_runs"


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
        state=RUN_STATES[prior.state],
        iterations=prior.values.iterations,
        value=prior.value,
        best_value=prior.values.best,
        last_value=prior.values.last,
    )


def _filter(message: v1.PriorRunFilter) -> Filter:
    states = read_states(RUN_STATES, message.states)
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
