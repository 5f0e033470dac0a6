"""Search of the test problems by Optuna's TPE, for comparison, through its define-by-run interface."""

import importlib
import time
import warnings
from typing import Protocol

from benchmarks.search_problems import Problem, Range
from benchmarks.search_trace import Trace, running_least
from sweepd.spec.point import Json, Point

_MAX_ATTEMPTS = 10_000


def by_tpe(problem: Problem, seed: int, runs: int) -> Trace:
    """Search by Optuna's default sampler over the same dimensions.

    Only active parameters are suggested. The sampler gets no constraint, but the violation
    of each point, and a point that breaks the constraint is pruned and does not count as a run.
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
        for _ in range(_MAX_ATTEMPTS):
            trial = study.ask()
            point = _suggested_point(trial, problem)
            if excess is not None:
                trial.set_user_attr("excess", max(0.0, excess(point)))
            if space.feasible(point):
                break
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            raise RuntimeError(f"{problem.name}: {_MAX_ATTEMPTS} points in a row break a constraint")
        seconds.append(time.perf_counter() - began)
        losses.append(problem.loss(point))
        study.tell(trial, losses[-1])
    return Trace(running_least(losses), seconds)


class Trial(Protocol):
    """Part of Optuna's trial interface that this module uses."""

    def suggest_categorical(self, name: str, choices: list[Json]) -> Json:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """Return an integer."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Return a float."""


def _suggested_point(trial: Trial, problem: Problem) -> Point:
    point: Point = {}
    for name, shape in problem.parameters.items():
        if _is_active(shape, point):
            point[name] = _suggested_value(trial, name, shape)
    return point


def _is_active(shape: Range, point: Point) -> bool:
    """Return True if a parameter is active; every `when` of the problems has the form `name == 'value'`."""
    if "when" not in shape:
        return True
    name, value = str(shape["when"]).split(" == ")
    return point[name] == value.strip("'")


def _suggested_value(trial: Trial, name: str, shape: Range) -> Json:
    values, low, high = shape.get("values"), shape.get("min"), shape.get("max")
    if isinstance(values, list):
        return trial.suggest_categorical(name, values)
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high)
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    return trial.suggest_float(name, low, high, log="distribution" in shape)
