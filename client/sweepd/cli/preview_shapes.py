"""Previews as `sweepctl` shows them: the JSON, the table, and the sentences about the whole sweep."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sweepd.cli.rows import Row
from sweepd.cli.table import Column
from sweepd.cli.text import clean, counted, duration
from sweepd.spec import Method, SweepSpec
from sweepd.spec.point import Json
from sweepd.spec.preview import Preview, PreviewedRun

_MOST_COUNTED = 2**63 - 1
"""Beyond, numbers are no use to anybody, and Python itself refuses to write the longest."""

_RUNGS_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run takes, and how many go on at once."""

    run_seconds: float
    slots: int

    def total(self, runs: int) -> float:
        """Return the seconds of all runs together."""
        return runs * self.run_seconds

    def elapsed(self, runs: int) -> float:
        """Return the seconds from the first start to the last end."""
        return -(-runs // self.slots) * self.run_seconds


def line_shape(run: PreviewedRun) -> Json:
    """Return what a line of `-o jsonl` holds; without arguments where they cannot be made."""
    return {"params": run.point, "argv": list(run.argv) if run.argv else None}


def run_shape(number: int, run: PreviewedRun) -> Row:
    """Return a run of a preview; numbers are those that the runs of a sweep get."""
    return {
        "number": number,
        "params": run.point,
        "argv": list(run.argv) if run.argv else None,
        "problem": run.problem or None,
        "source": run.source.value,
        "repeat": run.repeat,
    }


def preview_shape(file: str, spec: SweepSpec, preview: Preview, cost: Cost | None) -> Json:
    """Return the whole preview."""
    planned = _bounded(preview.planned_runs)
    return {
        "file": file,
        "method": spec.method.value,
        "seed": preview.seed,
        "spaceSize": _bounded(preview.size.value),
        "spaceSizeIsEstimate": preview.size.is_estimate,
        "plannedRuns": planned,
        "rungs": list(preview.rungs),
        "cost": None if cost is None or planned is None else _cost_shape(cost, planned),
        "runs": [run_shape(number, run) for number, run in enumerate(preview.runs, start=1)],
    }


def columns(preview: Preview) -> Sequence[Column]:
    """Return the columns of the table: a value that no run has gets none."""
    names = dict.fromkeys(name for run in preview.runs for name in run.point)
    repeated = any(run.repeat for run in preview.runs)
    return (
        Column("run", "number"),
        *([Column("repeat", "repeat")] if repeated else []),
        *(Column(name, f"params.{name}") for name in sorted(names)),
        Column("source", "source", wide=True),
        Column("arguments", "argv", wide=True),
    )


def summary(
    file: str, spec: SweepSpec, preview: Preview, cost: Cost | None, seed: int | None
) -> Iterator[str]:
    """Yield what is to be said of the sweep as a whole, a line each."""
    planned = preview.planned_runs
    runs = "runs until it is stopped" if planned is None else f"{_number(planned, 'run')} in all"
    if planned is None and preview.size.value is not None:
        runs = "runs until every point was handed out"
    by_seed = spec.method is not Method.LIST and (spec.method is not Method.GRID or spec.shuffle)
    seeded = f", seed {preview.seed}" if by_seed else ""
    yield f"{clean(file)}: {spec.method.value}, space: {_size(preview)}, {runs}{seeded}."
    if preview.rungs:
        shown = ", ".join(map(str, preview.rungs[:_RUNGS_SHOWN]))
        more = ", …" if len(preview.rungs) > _RUNGS_SHOWN else ""
        yield f"Early termination may act at iterations {shown}{more}."
    if cost is not None:
        yield _cost_sentence(cost, planned, early=bool(spec.early_terminate))
    if by_seed and spec.seed is None and seed is None:
        yield "The file has no seed, so each sweep draws its own; `seed:` in the file fixes the points."
    if spec.method is Method.BAYES:
        yield "bayes chooses by results; what is shown are random points of its space."
    if preview.broken_off:
        yield "Points are so rare under the constraints that the search for more was given up."
    problem = next((run.problem for run in preview.runs if run.problem), None)
    if problem:
        yield f"warning: {clean(problem)}"


def _cost_shape(cost: Cost, planned: int) -> Json:
    return {
        "runSeconds": cost.run_seconds,
        "slots": cost.slots,
        "totalSeconds": cost.total(planned),
        "elapsedSeconds": cost.elapsed(planned),
    }


def _cost_sentence(cost: Cost, planned: int | None, *, early: bool) -> str:
    each = f"{duration(cost.run_seconds)} each"
    if _bounded(planned) is None or planned is None:
        return f"At {each} it has no bound: set run_cap or sweep_timeout."
    most = "at most " if early else ""
    on = counted(cost.slots, "slot")
    return (
        f"{counted(planned, 'run')} at {each}: {most}{duration(cost.total(planned))} in all, "
        f"{most}{duration(cost.elapsed(planned))} on {on}."
    )


def _size(preview: Preview) -> str:
    if preview.size.value is None:
        return "unbounded"
    return ("about " if preview.size.is_estimate else "") + _number(preview.size.value, "point")


def _number(count: int, noun: str) -> str:
    if count <= _MOST_COUNTED:
        return counted(count, noun)
    return f"about 10^{math.floor(math.log10(count))} {noun}s"


def _bounded(count: int | None) -> int | None:
    return None if count is None or count > _MOST_COUNTED else count
