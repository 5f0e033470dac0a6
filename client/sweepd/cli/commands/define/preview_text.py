"""Previews as JSON, as a table, and as sentences about the whole sweep."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sweepd.spec.methods.sequence import known_size, planned_runs
from sweepd.spec.point import Json
from sweepd.spec.preview import Preview, PreviewedRun
from sweepd.spec.space.walk import Count
from sweepd.spec.stop_rules import Patience
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.views.rows import Column, Row, param_columns
from sweepd.views.text import clean, counted, duration

_MAX_COUNT = 2**63 - 1
"""Largest count shown in full; Python refuses to convert huge integers to text."""

_RUNGS_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Duration of one run, and number of concurrent runs."""

    run_seconds: float
    slots: int

    def max_runs(self, timeout: float | None) -> int | None:
        """Return the number of runs that can start before a timeout; None if unbounded."""
        if timeout is None or not self.run_seconds:
            return None
        return self.slots * math.ceil(timeout / self.run_seconds)

    def total(self, runs: int) -> float:
        """Return the sum of the durations of all runs, in seconds."""
        return runs * self.run_seconds

    def elapsed(self, runs: int) -> float:
        """Return the seconds from the first start to the last end."""
        return -(-runs // self.slots) * self.run_seconds


def line_shape(run: PreviewedRun) -> Json:
    """Return a run as a line of `-o jsonl`; `argv` is None if the arguments cannot be built."""
    return {"params": run.point, "argv": list(run.argv) if run.argv else None}


def run_shape(number: int, run: PreviewedRun) -> Row:
    """Return a run of a preview as JSON, with the number that it would get in the sweep."""
    return {
        "number": number,
        "params": run.point,
        "argv": list(run.argv) if run.argv else None,
        "problem": run.problem or None,
        "source": run.source.value,
        "repeat": run.repeat,
    }


def preview_shape(file: str, spec: SweepSpec, preview: Preview, cost: Cost | None) -> Row:
    """Return a preview as JSON."""
    planned = _bounded(preview.planned_runs)
    return {
        "file": file,
        "method": spec.method.name,
        "seed": preview.seed,
        "spaceSize": _bounded(preview.size.value),
        "spaceSizeIsEstimate": preview.size.is_estimate,
        "plannedRuns": planned,
        "rungs": list(preview.rungs),
        "cost": None if cost is None else _cost_shape(cost, _expected(spec, preview, cost)),
        "runs": [run_shape(number, run) for number, run in enumerate(preview.runs, start=1)],
    }


def columns(preview: Preview) -> Sequence[Column]:
    """Return the columns of the table, without columns that would be empty."""
    repeated = any(run.repeat for run in preview.runs)
    return (
        Column("run", "number"),
        *([Column("repeat", "repeat")] if repeated else []),
        *param_columns(run.point for run in preview.runs),
        Column("source", "source", wide=True),
        Column("arguments", "argv", wide=True),
    )


def summary(
    file: str, spec: SweepSpec, preview: Preview, cost: Cost | None, seed: int | None
) -> Iterator[str]:
    """Yield sentences about the whole sweep, one per line."""
    by_seed = spec.method.draw is not None or spec.shuffle
    seeded = f", seed {preview.seed}" if by_seed else ""
    space = space_text(preview.size)
    yield f"{clean(file)}: {spec.method.name}, space: {space}, {_end(spec, preview)}{seeded}."
    if preview.rungs:
        yield _rungs(spec, preview)
    if cost is not None:
        yield from _cost_sentences(spec, preview, cost)
    if by_seed and spec.seed is None and seed is None:
        yield "The file has no seed, so each sweep draws its own; `seed:` in the file fixes the points."
    if spec.method.learns:
        yield "bayes chooses points based on results; the points shown are random points of its space."
    if preview.broken_off:
        yield "The constraints leave so few points that the search for more was abandoned."


@dataclass(frozen=True, slots=True)
class _Expected:
    """Expected number of runs; `runs` is None if unbounded or too large to show."""

    runs: int | None
    is_estimate: bool = False
    by_timeout: bool = False


def _expected(spec: SweepSpec, preview: Preview, cost: Cost | None = None) -> _Expected:
    runs, is_estimate = preview.planned_runs, False
    if runs is None and preview.size.is_estimate and preview.size.value is not None:
        runs, is_estimate = planned_runs(spec, known_size(spec, preview.size.value)), True
    most = None if cost is None else cost.max_runs(spec.sweep_timeout)
    if most is not None and (runs is None or most < runs):
        return _Expected(most, by_timeout=True)
    return _Expected(_bounded(runs), is_estimate)


def _end(spec: SweepSpec, preview: Preview) -> str:
    """Return text that says when the sweep stops starting runs."""
    timeout = "" if spec.sweep_timeout is None else f", for {duration(spec.sweep_timeout)} at most"
    if preview.planned_runs is not None:
        return f"{_number(preview.planned_runs, 'run')} in all{timeout}"
    expected = _expected(spec, preview)
    if expected.runs is not None:
        return f"about {_number(_rounded(expected.runs), 'run')} in all{timeout}"
    if preview.size.value is not None:
        return f"runs until every point has been handed out{timeout}"
    return f"runs until it is stopped{timeout}"


def _rungs(spec: SweepSpec, preview: Preview) -> str:
    patience = [rule.iterations for rule in spec.early_terminate if isinstance(rule, Patience)]
    later = f"at any iteration from {min(patience) + 1} on" if patience else ""
    if len(patience) == len(spec.early_terminate):
        return f"Early termination may act {later}."
    many = "s" if len(preview.rungs) > 1 else ""
    shown = ", ".join(map(str, preview.rungs[:_RUNGS_SHOWN]))
    more = ", …" if len(preview.rungs) > _RUNGS_SHOWN else ""
    also = f"; patience {later}" if patience else ""
    return f"Early termination may act at iteration{many} {shown}{more}{also}."


def _cost_shape(cost: Cost, expected: _Expected) -> Json:
    if expected.runs is None:
        return None
    return {
        "runSeconds": cost.run_seconds,
        "slots": cost.slots,
        "totalSeconds": cost.total(expected.runs),
        "elapsedSeconds": cost.elapsed(expected.runs),
        "isEstimate": expected.is_estimate,
    }


def _cost_sentences(spec: SweepSpec, preview: Preview, cost: Cost) -> Iterator[str]:
    each, on = f"{duration(cost.run_seconds)} each", counted(cost.slots, "slot")
    expected = _expected(spec, preview, cost)
    if expected.runs is None:
        yield f"At {each} the total is unbounded: set run_cap or sweep_timeout."
        return
    runs = _number(expected.runs, "run")
    if expected.by_timeout:
        yield f"sweep_timeout leaves time for at most {runs} of {duration(cost.run_seconds)} on {on}."
    elif expected.is_estimate:
        runs = f"About {_number(_rounded(expected.runs), 'run')}"
    most = (
        "at most "
        if spec.early_terminate or expected.by_timeout
        else "about "
        if expected.is_estimate
        else ""
    )
    total, elapsed = duration(cost.total(expected.runs)), duration(cost.elapsed(expected.runs))
    yield f"{runs} at {each}: {most}{total} in all, {most}{elapsed} on {on}."


def space_text(size: Count) -> str:
    """Return the size of a space in words; a continuous range makes it infinite."""
    if size.value is None:
        return "too large to count" if size.is_estimate else "infinitely many points"
    if size.is_estimate:
        return f"about {_number(_rounded(size.value), 'point')}"
    return _number(size.value, "point")


def _rounded(estimate: int) -> int:
    """Round an estimate to two significant digits, because it is based on only a few thousand draws."""
    return estimate if estimate < 100 or estimate > _MAX_COUNT else int(float(f"{estimate:.1e}"))


def _number(count: int, noun: str) -> str:
    if count > _MAX_COUNT:
        return f"about 10^{math.floor(math.log10(count))} {noun}s"
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _bounded(count: int | None) -> int | None:
    return None if count is None or count > _MAX_COUNT else count
