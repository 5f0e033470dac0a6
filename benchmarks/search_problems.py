"""Test problems on which searchers are compared: functions with known minima."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Point
from sweepd.spec.sweep_spec import SweepSpec

Range = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Function to minimise, its search space, and its minimum `least`."""

    name: str
    parameters: dict[str, Range]
    loss: Callable[[Point], float]
    least: float
    constraints: tuple[str, ...] = ()
    excess: Callable[[Point], float] | None = None
    """Amount by which a point violates the constraint, for searchers without support for constraints."""

    def spec(self, seed: int) -> SweepSpec:
        """Return the specification of a sweep that searches for the minimum."""
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
    """Return a value of the Branin function, which has three equal minima. Dixon, Szegö (1978)."""
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
    """Return a value of the Hartmann function: six dimensions, six local minima. Dixon, Szegö (1978)."""
    x = [number(point, f"x{i}") for i in range(6)]
    rows = zip(_HARTMANN_WEIGHTS, _HARTMANN_SLOPES, _HARTMANN_CENTRES, strict=True)
    return -sum(
        weight * math.exp(-sum(a * (u - c) ** 2 for a, u, c in zip(slopes, x, centres, strict=True)))
        for weight, slopes, centres in rows
    )


def training(point: Point) -> float:
    """Return a loss like that of a training: the best learning rate depends on the optimiser.

    Depth and dropout matter less.
    """
    optimizer = str(point["optimizer"])
    best = {"sgd": -1.0, "adam": -3.0, "rmsprop": -3.5}[optimizer]
    floor = {"sgd": 0.12, "adam": 0.05, "rmsprop": 0.08}[optimizer]
    rate = math.log10(number(point, "lr")) - best
    depth = (number(point, "depth") - 5) / 4
    dropout = number(point, "dropout") - 0.2
    return floor + 0.2 * rate**2 + 0.05 * depth**2 + 0.5 * dropout**2


def rosenbrock(point: Point) -> float:
    """Return a value of the Rosenbrock function in four dimensions, a curved valley. Rosenbrock (1960)."""
    x = [number(point, f"x{i}") for i in range(4)]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


_BRANCHES = {"sgd": (-1.2, 0.1), "adam": (-3.2, 0.05)}


def branches(point: Point) -> float:
    """Return the loss of one of two algorithms, each with its own learning rate and one more parameter.

    Both have the parameter `depth`.
    """
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
"""Best share and weight of each ingredient; the best shares sum to more than 1."""


def mixture(point: Point) -> float:
    """Return the loss of a mixture of four ingredients whose shares sum to at most 1, at the minimum to 1."""
    return sum(weight * (number(point, f"x{i}") - best) ** 2 for i, (best, weight) in enumerate(_MIXTURE))


def _best_mixture() -> float:
    # At the minimum, the sum is 1 and all slopes are equal (Lagrange): each share is c / weight too small.
    short = (sum(best for best, _ in _MIXTURE) - 1) / sum(1 / weight for _, weight in _MIXTURE)
    wanting = [(best - short / weight, short / weight, weight) for best, weight in _MIXTURE]
    assert all(share >= 0 for share, _, _ in wanting)
    return sum(weight * gap**2 for _, gap, weight in wanting)


def number(point: Point, name: str) -> float:
    """Return the value of a numeric parameter."""
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
