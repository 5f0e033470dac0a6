"""Method `bayes`: a model of the results chooses. Without results its points are random ones."""

from collections.abc import Iterator, Sequence
from typing import Final

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.finding import Finding
from sweepd.spec.methods.random_points import draw_random, search_draws
from sweepd.spec.parameter import Parameter
from sweepd.spec.sweep_spec import SearchMethod


def _check(leaves: Sequence[tuple[str, Parameter]]) -> Iterator[Finding]:
    if leaves and all(isinstance(leaf.distribution, Constant) for _, leaf in leaves):
        message = "bayes needs a parameter that is not constant"
        yield Finding(path="method", code="nothing-to-search", message=message)


BAYES: Final = SearchMethod(
    name="bayes",
    meaning="A model of the results so far chooses; needs `metric`.",
    search=search_draws,
    draw=draw_random,
    check=_check,
    learns=True,
)
