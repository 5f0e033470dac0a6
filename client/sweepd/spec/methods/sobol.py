"""Method `sobol`: a scrambled Sobol sequence, computed from (seed, index), that fills the unit cube evenly.

Points in Gray code order: Antonov, Saleev (1979), USSR Computational Mathematics 19, 252-256. Scrambling:
Owen (1995), "Randomly permuted (t,m,s)-nets", as a hash by Laine, Karras (2011) and Burley (2020), "Practical
hash-based Owen scrambling", J. Computer Graphics Techniques 9(4). A change alters the points of all seeds.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from pkgutil import get_data
from struct import Struct
from typing import Final

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.finding import Finding
from sweepd.spec.limits import MAX_SOBOL_DIMENSIONS
from sweepd.spec.methods.draws import cost_of, search_draws
from sweepd.spec.point import Parameter, Point
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec

BITS: Final = 32
"""Binary digits of a coordinate; the sequence has 2^32 points."""

_WORD = BITS // 8
_MASK = (1 << BITS) - 1
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_SCALE = 2.0**-BITS
_MULTIPLIERS = (0x6C50B47C, 0xB82F1E52, 0xC7AFE638, 0x8D22F6E6)


def scrambled_sobol(seed: int, index: int, paths: Sequence[tuple[str, ...]]) -> tuple[float, ...]:
    """Return the coordinates of a point, one per dimension, each within (0, 1).

    Args:
        seed: seed of the scrambling.
        index: index of the point, counted from 0; the sequence repeats after 2^32 points.
        paths: names of the dimensions; the scrambling of each dimension depends on its name.

    Raises:
        ValueError: there are more than 1,024 dimensions.
    """
    mirrored = _mirrored_digits(index, len(paths))
    keys = _keys(seed, tuple(paths))
    # Use the middle of the cell, since the quantile of a normal distribution is undefined at 0.
    return tuple((_scrambled(x, key) + 0.5) * _SCALE for x, key in zip(mirrored, keys, strict=True))


def sobol_digits(index: int, dimensions: int) -> tuple[int, ...]:
    """Return the coordinates of a point of the unscrambled sequence, times 2^32.

    Raises:
        ValueError: there are more than 1,024 dimensions.
    """
    return tuple(map(_reversed, _mirrored_digits(index, dimensions)))


def _mirrored_digits(index: int, dimensions: int) -> tuple[int, ...]:
    """Return the coordinates of `sobol_digits` with reversed bits, as the scrambling requires."""
    if dimensions > MAX_SOBOL_DIMENSIONS:
        raise ValueError(f"{dimensions:,} dimensions; a Sobol sequence has at most {MAX_SOBOL_DIMENSIONS:,}")
    point, gray = 0, (index ^ index >> 1) & _MASK
    for bit in range(gray.bit_length()):
        if gray >> bit & 1:
            point ^= _directions(bit)
    return _point(dimensions).unpack(
        (point & (1 << BITS * dimensions) - 1).to_bytes(_WORD * dimensions, "little")
    )


@lru_cache(maxsize=BITS)
def _directions(bit: int) -> int:
    """Return the bit-reversed direction numbers of one index bit, packed into one integer."""
    numbers = [_reversed(column[bit]) for column in _columns()]
    return int.from_bytes(_point(len(numbers)).pack(*numbers), "little")


@lru_cache(maxsize=16)
def _point(dimensions: int) -> Struct:
    return Struct(f"<{dimensions}I")


@lru_cache(maxsize=1)
def _columns() -> tuple[tuple[int, ...], ...]:
    first = tuple(1 << (BITS - 1 - bit) for bit in range(BITS))
    return (first, *(_column(polynomial, numbers) for polynomial, numbers in initial_numbers()))


def initial_numbers() -> Iterator[tuple[int, list[int]]]:
    """Yield the primitive polynomial and the initial direction numbers of each dimension but the first.

    The polynomial has its highest and lowest bits set. Its degree is the number of initial numbers.
    The numbers are m_1, m_2, …; each m_k is odd and below 2^k.
    """
    text = get_data(__package__, "sobol_numbers.txt") or b""
    for line in text.decode().splitlines():
        if not line.startswith("#"):
            polynomial, *firsts = map(int, line.split())
            yield polynomial, firsts


def _column(polynomial: int, numbers: Sequence[int]) -> tuple[int, ...]:
    """Return the direction numbers of one dimension: Joe, Kuo (2008), equation 2, shifted to 32 bits."""
    degree = len(numbers)
    column = [number << (BITS - k) for k, number in enumerate(numbers, start=1)]
    for bit in range(degree, BITS):
        value = column[bit - degree] ^ column[bit - degree] >> degree
        for k in range(1, degree):
            if polynomial >> (degree - k) & 1:
                value ^= column[bit - k]
        column.append(value)
    return tuple(column)


@lru_cache(maxsize=16)
def _keys(seed: int, paths: tuple[tuple[str, ...], ...]) -> tuple[int, ...]:
    return tuple(_key(seed, path) for path in paths)


def _key(seed: int, path: tuple[str, ...]) -> int:
    name = "\0".join(path).encode()
    digest = blake2b(b"%d\0%s" % (seed, name), digest_size=4, person=b"sweepd-sobol").digest()
    return int.from_bytes(digest, "big")


def _scrambled(mirrored: int, key: int) -> int:
    """Flip digits, each depending only on the key and the higher digits: Burley (2020), listing 2."""
    x = mirrored + key & _MASK
    for multiplier in _MULTIPLIERS:
        x ^= x * multiplier & _MASK
    return _reversed(x)


def _reversed(digits: int) -> int:
    first, second, third, fourth = digits.to_bytes(_WORD, "little").translate(_REVERSED)
    return first << 24 | second << 16 | third << 8 | fourth


def _draw(spec: SweepSpec, index: int) -> tuple[Point | None, int]:
    space = spec.search_space
    paths = [each.path for each in space.dimensions]
    point = space.from_unit(scrambled_sobol(spec.seed or 0, index, paths))
    return (point if space.feasible(point) else None), cost_of(spec)


def _check(leaves: Sequence[tuple[str, Parameter]]) -> Iterator[Finding]:
    free = sum(not isinstance(leaf.distribution, Constant) for _, leaf in leaves)
    if free > MAX_SOBOL_DIMENSIONS:
        message = f"{free:,} parameters to search; sobol allows {MAX_SOBOL_DIMENSIONS:,}; use random"
        yield Finding(path="parameters", code="out-of-range", message=message)


SOBOL: Final = SearchMethod(
    name="sobol",
    meaning="A scrambled Sobol sequence: random, but evenly spread.",
    search=search_draws,
    draw=_draw,
    check=_check,
    whole=True,
)
