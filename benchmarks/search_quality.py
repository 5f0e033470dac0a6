"""How good the points of a search are: the engine's regret beside that of random search and Optuna's TPE.

Run: python -m benchmarks.search_quality [--seeds 10] [--runs 40]. Prints, per problem, the median regret of
each searcher after all runs and its ratio to random's (below 1: better than random), and the time of
a suggestion.
"""

import argparse
import importlib
import importlib.util
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from sweepd.spec import Json, Point, SweepSpec, parse_mapping
from sweepd_suggestion.domain.engine import answer
from sweepd_suggestion.domain.observation import Ended, HandedOut, Outcome
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.study import Study

Range = dict[str, Json]

_MOST_ASKED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something to minimise, and the least value it has."""

    name: str
    parameters: dict[str, Range]
    loss: Callable[[Point], float]
    least: float
    constraints: tuple[str, ...] = ()
    excess: Callable[[Point], float] | None = None
    """By how much a point breaks the constraints: what a searcher is told that cannot keep them."""

    def spec(self, seed: int) -> SweepSpec:
        """Return the sweep that searches it."""
        document = {
            "method": "bayes",
            "metric": {"name": "loss"},
            "seed": seed,
            "parameters": self.parameters,
            "constraints": list(self.constraints),
        }
        parsed = parse_mapping(document)
        assert parsed.spec is not None, parsed.diagnostics
        return parsed.spec


def branin(point: Point) -> float:
    """Three equal minima. Dixon, Szegö (1978)."""
    x, y = number(point, "x"), number(point, "y")
    valley = y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


_HARTMANN_WEIGHTS = (1.0, 1.2, 3.0, 3.2)
_HARTMANN_SLOPES = (
    (10.0, 3.0, 17.0, 3.5, 1.7, 8.0),
    (0.05, 10.0, 17.0, 0.1, 8.0, 14.0),
    (3.0, 3.5, 1.7, 10.0, 17.0, 8.0),
    (17.0, 8.0, 0.05, 10.0, 0.1, 14.0),
)
_HARTMANN_CENTRES = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def hartmann6(point: Point) -> float:
    """Six dimensions, six local minima. Dixon, Szegö (1978)."""
    x = [number(point, f"x{i}") for i in range(6)]
    rows = zip(_HARTMANN_WEIGHTS, _HARTMANN_SLOPES, _HARTMANN_CENTRES, strict=True)
    return -sum(
        weight * math.exp(-sum(a * (u - c) ** 2 for a, u, c in zip(slopes, x, centres, strict=True)))
        for weight, slopes, centres in rows
    )


def training(point: Point) -> float:
    """Like a training: one learning rate is best, another for each optimiser; depth and width matter less."""
    optimizer = str(point["optimizer"])
    best = {"sgd": -1.0, "adam": -3.0, "rmsprop": -3.5}[optimizer]
    floor = {"sgd": 0.12, "adam": 0.05, "rmsprop": 0.08}[optimizer]
    rate = math.log10(number(point, "lr")) - best
    depth = (number(point, "depth") - 5) / 4
    dropout = number(point, "dropout") - 0.2
    return floor + 0.2 * rate**2 + 0.05 * depth**2 + 0.5 * dropout**2


def rosenbrock(point: Point) -> float:
    """A curved valley between walls that are a hundred thousand times as high. Rosenbrock (1960)."""
    x = [number(point, f"x{i}") for i in range(4)]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


_BRANCHES = {"sgd": (-1.2, 0.1), "adam": (-3.2, 0.05)}


def branches(point: Point) -> float:
    """Two algorithms, each with parameters of its own: a rate and one more; depth matters to both."""
    algorithm = str(point["algorithm"])
    best, floor = _BRANCHES[algorithm]
    rate = math.log10(number(point, f"{algorithm}_lr")) - best
    depth = (number(point, "depth") - 5) / 4
    if algorithm == "sgd":
        own = 2.0 * (number(point, "momentum") - 0.85) ** 2
    else:
        own = 0.05 * (math.log10(number(point, "decay")) + 3.0) ** 2
    return floor + 0.2 * rate**2 + 0.05 * depth**2 + own


_MIXTURE = ((0.8, 1.0), (0.5, 2.0), (0.3, 2.0), (0.2, 4.0))
"""What would be best of each ingredient, and how much it matters; together they are more than the whole."""


def mixture(point: Point) -> float:
    """Shares of four ingredients that are at most 1 in sum: the best is where they fill it."""
    return sum(weight * (number(point, f"x{i}") - best) ** 2 for i, (best, weight) in enumerate(_MIXTURE))


def _best_mixture() -> float:
    # Where the sum is 1 and the slopes are equal (Lagrange): each is short of its best by c / weight.
    short = (sum(best for best, _ in _MIXTURE) - 1) / sum(1 / weight for _, weight in _MIXTURE)
    wanting = [(best - short / weight, short / weight, weight) for best, weight in _MIXTURE]
    assert all(share >= 0 for share, _, _ in wanting)
    return sum(weight * gap**2 for _, gap, weight in wanting)


def number(point: Point, name: str) -> float:
    """Return a coordinate."""
    value = point[name]
    assert isinstance(value, int | float)
    return float(value)


_RATE: Range = {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0}

PROBLEMS = (
    Problem(
        name="branin",
        parameters={"x": {"min": -5.0, "max": 10.0}, "y": {"min": 0.0, "max": 15.0}},
        loss=branin,
        least=0.397887,
    ),
    Problem(
        name="hartmann6",
        parameters={f"x{i}": {"min": 0.0, "max": 1.0} for i in range(6)},
        loss=hartmann6,
        least=-3.32237,
    ),
    Problem(
        name="training",
        parameters={
            "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
            "optimizer": {"values": ["sgd", "adam", "rmsprop"]},
            "depth": {"min": 1, "max": 12},
            "dropout": {"min": 0.0, "max": 0.6},
        },
        loss=training,
        least=0.05,
    ),
    Problem(
        name="rosenbrock4",
        parameters={f"x{i}": {"min": -5.0, "max": 10.0} for i in range(4)},
        loss=rosenbrock,
        least=0.0,
    ),
    Problem(
        name="branches",
        parameters={
            "algorithm": {"values": ["sgd", "adam"]},
            "depth": {"min": 1, "max": 12},
            "sgd_lr": {**_RATE, "when": "algorithm == 'sgd'"},
            "momentum": {"min": 0.0, "max": 1.0, "when": "algorithm == 'sgd'"},
            "adam_lr": {**_RATE, "when": "algorithm == 'adam'"},
            "decay": {**_RATE, "when": "algorithm == 'adam'"},
        },
        loss=branches,
        least=0.05,
    ),
    Problem(
        name="mixture",
        parameters={f"x{i}": {"min": 0.0, "max": 1.0} for i in range(4)},
        constraints=("x0 + x1 + x2 + x3 <= 1",),
        excess=lambda point: sum(number(point, f"x{i}") for i in range(4)) - 1,
        loss=mixture,
        least=_best_mixture(),
    ),
)


@dataclass(frozen=True, slots=True)
class Trace:
    """The least loss after each run, and the seconds that each suggestion took."""

    best: list[float]
    seconds: list[float]


def by_model(problem: Problem, seed: int, runs: int) -> Trace:
    """Search by the engine, one run after the other."""
    study = Study(problem.spec(seed))
    losses: list[float] = []
    seconds: list[float] = []
    for run_number in range(1, runs + 1):
        began = time.perf_counter()
        (proposal,) = answer(question(study, run_number, 1))
        seconds.append(time.perf_counter() - began)
        loss = problem.loss(proposal.point)
        losses.append(loss)
        handed_out = HandedOut(run_number=run_number, point=proposal.point)
        ended = Ended(
            run_number=run_number, outcome=Outcome.FINISHED, value=loss, best=loss, worst=loss, last=loss
        )
        study.observe(study.known + 1, [handed_out, ended])
    return Trace(running_least(losses), seconds)


def by_chance(problem: Problem, seed: int, runs: int) -> Trace:
    """Search at random."""
    space = problem.spec(seed).search_space
    return Trace(running_least([problem.loss(space.random_point(seed, i)) for i in range(runs)]), [0.0])


def by_tpe(problem: Problem, seed: int, runs: int) -> Trace:
    """Search by Optuna's default sampler over the same dimensions.

    It is asked for parameters that a point has and no others. It cannot know a constraint, but learns from
    what breaks it, and by how much: such points are pruned, and cost it no run.
    """
    optuna = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    warnings.simplefilter("ignore", FutureWarning)
    space = problem.spec(seed).search_space
    excess = problem.excess
    bound = {"constraints_func": lambda trial: (trial.user_attrs["excess"],)} if excess else {}
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, **bound))
    losses: list[float] = []
    seconds: list[float] = []
    while len(losses) < runs:
        began = time.perf_counter()
        for _ in range(_MOST_ASKED):
            trial = study.ask()
            point = _asked_point(trial, problem)
            if excess is not None:
                trial.set_user_attr("excess", max(0.0, excess(point)))
            if space.feasible(point):
                break
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            raise RuntimeError(f"{problem.name}: {_MOST_ASKED} points in a row break a constraint")
        seconds.append(time.perf_counter() - began)
        losses.append(problem.loss(point))
        study.tell(trial, losses[-1])
    return Trace(running_least(losses), seconds)


class Trial(Protocol):
    """What Optuna gives for one run."""

    def suggest_categorical(self, name: str, choices: list[Json]) -> Json:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """Return an integer."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Return a float."""


def _asked_point(trial: Trial, problem: Problem) -> Point:
    point: Point = {}
    for name, shape in problem.parameters.items():
        if _exists(shape, point):
            point[name] = _asked(trial, name, shape)
    return point


def _exists(shape: Range, point: Point) -> bool:
    """Whether a parameter is there: conditions of the problems above are of the form `name == 'value'`."""
    if "when" not in shape:
        return True
    name, value = str(shape["when"]).split(" == ")
    return point[name] == value.strip("'")


def _asked(trial: Trial, name: str, shape: Range) -> Json:
    values, low, high = shape.get("values"), shape.get("min"), shape.get("max")
    if isinstance(values, list):
        return trial.suggest_categorical(name, values)
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high)
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    return trial.suggest_float(name, low, high, log="distribution" in shape)


def running_least(losses: Sequence[float]) -> list[float]:
    """Return the least of the first n, for each n."""
    best = math.inf
    return [best := min(best, loss) for loss in losses]


def regrets(
    problem: Problem, search: Callable[[Problem, int, int], Trace], seeds: int, runs: int
) -> list[Trace]:
    """Return one trace per seed, with the distance to the least value in place of losses."""
    traces = [search(problem, seed, runs) for seed in range(1, seeds + 1)]
    return [replace(trace, best=[best - problem.least for best in trace.best]) for trace in traces]


def median_regret(traces: Sequence[Trace]) -> float:
    """Return the median over seeds of the regret after all runs."""
    return statistics.median(trace.best[-1] for trace in traces)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one JSON line per problem and searcher."""
    flags = argparse.ArgumentParser(description="Compare the searchers.")
    flags.add_argument("--seeds", type=int, default=10)
    flags.add_argument("--runs", type=int, default=40)
    flags.add_argument("--problem", choices=[problem.name for problem in PROBLEMS])
    flags.add_argument("--only", choices=["model"])
    chosen = flags.parse_args(arguments)
    searchers = {"random": by_chance, "model": by_model}
    if importlib.util.find_spec("optuna") is not None and chosen.only is None:
        searchers["optuna-tpe"] = by_tpe
    for problem in PROBLEMS:
        if chosen.problem not in (None, problem.name):
            continue
        chance = median_regret(regrets(problem, by_chance, chosen.seeds, chosen.runs))
        for name, search in searchers.items():
            traces = regrets(problem, search, chosen.seeds, chosen.runs)
            line = {
                "problem": problem.name,
                "searcher": name,
                "runs": chosen.runs,
                "seeds": chosen.seeds,
                "median_regret": float(f"{median_regret(traces):.3g}"),
                "ratio_to_random": float(f"{median_regret(traces) / chance:.3g}"),
                "worst_regret": float(f"{max(trace.best[-1] for trace in traces):.3g}"),
                "suggestion_ms": round(1000 * statistics.median(s for t in traces for s in t.seconds), 1),
                "slowest_ms": round(1000 * max(s for t in traces for s in t.seconds[5:] or [0.0]), 1),
            }
            print(json.dumps(line))


if __name__ == "__main__":
    main()
