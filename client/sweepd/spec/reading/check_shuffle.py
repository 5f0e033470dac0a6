"""Whether the points of a grid can be found in a shuffled order, which tries combinations by chance."""

from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.places import place_of
from sweepd.spec.sweep_spec import SweepSpec

_STEPS = 100_000
_MOST_COMBINATIONS_A_POINT = 10_000


def check_shuffle(fields: Fields, spec: SweepSpec) -> None:
    """Refuse `shuffle` where conditions and constraints leave too few points among the combinations."""
    if not spec.shuffle:
        return
    found = spec.search_space.count_grid(_STEPS)
    count = found.value or 0
    if count == 0 and not found.is_estimate:
        return  # of no point at all the constraints are to blame, which is said elsewhere
    if spec.search_space.combinations > count * _MOST_COMBINATIONS_A_POINT:
        fields.findings.error(
            place_of(fields.node, ("shuffle",)),
            "shuffle",
            "too-sparse",
            f"less than one in {_MOST_COMBINATIONS_A_POINT:,} combinations is a point under conditions and "
            "constraints, too few to be found by chance; leave `shuffle` out, or take `method: random`, "
            "which repeats no point either",
        )
