"""Next point of a sweep, for everything that goes by index: one home for hand-outs and previews.

A point depends on the specification, the cursor and what was handed out before, on nothing else: the same
seed gives the same points everywhere. A change here changes the points of existing sweeps.
"""

from sweepd.spec.methods.drawing import draws_are_over
from sweepd.spec.methods.initial import next_initial
from sweepd.spec.methods.proposed import MOST_CANDIDATES, Cursor, Proposed, Seen
from sweepd.spec.sweep_spec import SweepSpec


def next_point(
    spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int = MOST_CANDIDATES
) -> tuple[Cursor, Proposed | None, bool]:
    """Return the cursor moved on, the next point, and whether there is none left.

    Neither a point nor the end: this call found none among its candidates, the next call continues.

    Args:
        spec: the sweep; bayes is treated as random, for want of results.
        cursor: where the last call has left off.
        seen: what was handed out, by whatever way.
        size: how many points the space has, where that is known exactly.
        limit: candidates to look at.
    """
    moved, initial = next_initial(spec, cursor, seen, limit)
    if initial is not None:
        return moved, initial, False
    found = spec.method.search(spec, moved, seen, size, limit)
    return found.after, found.proposed, found.done


def look_ahead(
    spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int = MOST_CANDIDATES
) -> tuple[Cursor, bool | None]:
    """Return the cursor past what will be skipped, and whether anything is left; None: not known yet."""
    if cursor.initial < len(spec.initial):
        return cursor, True
    by_draws = spec.method.draw is not None and spec.search_space.dimensions
    if by_draws and not draws_are_over(cursor, seen, size):
        return cursor, True
    found = spec.method.search(spec, cursor, seen, size, limit)
    return found.at, True if found.proposed else False if found.done else None
