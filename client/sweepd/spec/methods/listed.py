"""Method `list`: the points of `runs`, in order."""

from typing import Final

from sweepd.spec.methods.proposed import Cursor, Found, Proposed, Seen, Source
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec


def _search(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> Found:
    if cursor.index >= len(spec.runs):
        return Found(at=cursor, after=cursor, done=True)
    proposed = Proposed.of(spec.runs[cursor.index], Source.LIST, cursor.index)
    return Found(at=cursor, after=cursor.at(cursor.index + 1), proposed=proposed)


LIST: Final = SearchMethod(
    name="list", meaning="The points of `runs`, in order.", search=_search, listed=True
)
