"""Method `random`: independent draws of each parameter."""

from typing import Final

from sweepd.spec.methods.drawing import cost_of, search_draws
from sweepd.spec.point import Point
from sweepd.spec.space.sampling import InfeasibleError
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec

_COST_OF_NO_POINT = 10_000  # what `random_point` tries before it gives up


def draw_random(spec: SweepSpec, index: int) -> tuple[Point | None, int]:
    """Return the random point of an index, None where there is none, and how many candidates that took."""
    try:
        return spec.search_space.random_point(spec.seed or 0, index), cost_of(spec)
    except InfeasibleError:
        return None, _COST_OF_NO_POINT


RANDOM: Final = SearchMethod(
    name="random",
    meaning="Independent draws of each parameter.",
    search=search_draws,
    draw=draw_random,
)
