"""What stands against searching a sweep with this engine."""

from collections.abc import Iterator

from sweepd.spec import SweepSpec

MOST_DIMENSIONS = 1_024
"""Fits take time in proportion; far below this many, a model of 150 runs knows nothing better than chance."""


def objections(spec: SweepSpec) -> Iterator[tuple[str, str]]:
    """Return dotted paths, each with a sentence about it; nothing if the sweep can be searched."""
    if spec.metric is None:
        yield "metric", "model-based search needs a metric to optimise"
    count = len(spec.search_space.dimensions)
    if count == 0:
        yield "parameters", "model-based search needs at least one parameter that is not constant"
    if count > MOST_DIMENSIONS:
        yield "parameters", f"{count} free parameters; at most {MOST_DIMENSIONS} can be searched"
    # The judgement of whoever read the file: what passed there passes here.
    if spec.search_space.feasibility(enough=1).hits == 0:
        yield "constraints", "no point was found that satisfies them; loosen one of them"
