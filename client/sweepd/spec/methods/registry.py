"""Registry of the search methods by their names in a file, and the ordered methods grid and list.

The shuffled order of a grid, a permutation of the numbers below n, is computed from (seed, index) alone by
a balanced Feistel network (Luby, Rackoff (1988), SIAM J. Computing 17, 373-386) over the next even number of
bits, repeated until the number is below n (Black, Rogaway (2002), "Ciphers with arbitrary finite domains").
A change here changes the order for every seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

from sweepd.spec.distributions.distribution import grid_values
from sweepd.spec.finding import Finding
from sweepd.spec.methods.draws import BAYES, RANDOM
from sweepd.spec.methods.proposed import Cursor, Found, Proposed, Seen, Source, next_unseen
from sweepd.spec.methods.sobol import SOBOL
from sweepd.spec.point import Parameter, Point
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec

_ROUNDS = 6
_MIN_BITS = 8  # with fewer, the halves are so short that many orders are impossible


def shuffled(seed: int, index: int, size: int) -> int:
    """Return the number at an index of the shuffled order of 0 ... size - 1.

    Raises:
        IndexError: the index is out of range.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    half = (max((size - 1).bit_length(), _MIN_BITS) + 1) // 2
    number = _permuted(seed, index, half)
    while number >= size:  # at most 3/4 of the numbers are out of range, except below 2^8
        number = _permuted(seed, number, half)
    return number


def _permuted(seed: int, number: int, half: int) -> int:
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(_ROUNDS):
        left, right = right, left ^ _mixed(seed, turn, right, half) & mask
    return left << half | right


def _mixed(seed: int, turn: int, value: int, half: int) -> int:
    """Return at least `half` pseudorandom bits, for spaces of any size."""
    blocks = range(-(-half // 512))
    text = b"%d\0%d\0%d\0%d" % (seed, half, turn, value)
    digests = [blake2b(b"%d\0%s" % (block, text), person=b"sweepd-shuffle").digest() for block in blocks]
    return int.from_bytes(b"".join(digests), "big")


def _search_grid(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> Found:
    grid = spec.search_space.grid
    end = grid.size
    assert end is not None, "each parameter of a grid has listed values"

    def next_shuffled(start: int, left: int) -> tuple[int, Point | None]:
        stop = min(end, start + left)
        for place in range(start, stop):
            point = grid.at(shuffled(spec.seed or 0, place, end))
            if point is not None:
                return place, point
        return stop, None

    step = next_shuffled if spec.shuffle else grid.next
    place, proposed = next_unseen(step, cursor.index, end, seen, limit, Source.GRID)
    at = cursor.at(place)
    if proposed is None:
        return Found(at=at, after=at, done=place >= end)
    return Found(at=at, after=cursor.at(place + 1), proposed=proposed)


def _check_grid(leaves: Sequence[tuple[str, Parameter]]) -> Iterator[Finding]:
    for path, leaf in leaves:
        if grid_values(leaf.distribution) is None:
            name = leaf.distribution.name
            message = f"a grid cannot enumerate {name}; list its `values`, or use q_uniform"
            yield Finding(path=path, code="not-a-grid", message=message)


def _search_list(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> Found:
    if cursor.index >= len(spec.runs):
        return Found(at=cursor, after=cursor, done=True)
    proposed = Proposed.of(spec.runs[cursor.index], Source.LIST, cursor.index)
    return Found(at=cursor, after=cursor.at(cursor.index + 1), proposed=proposed)


GRID: Final = SearchMethod(
    name="grid", meaning="Every combination, once.", search=_search_grid, check=_check_grid, on_grid=True
)
LIST: Final = SearchMethod(
    name="list", meaning="The points of `runs`, in order.", search=_search_list, listed=True
)

METHODS: Final[Mapping[str, SearchMethod]] = MappingProxyType(
    {method.name: method for method in (GRID, RANDOM, BAYES, LIST, SOBOL)}
)
