"""Random numbers by (seed, index, name): the same on every platform and in every version, in any order.

A counter-based generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
with BLAKE2b as its function. Changing it changes the points of every existing seed.
"""

from hashlib import blake2b

_SCALE = 2.0**-53


def draw(seed: int, index: int, path: tuple[str, ...]) -> float:
    """Return a number uniform in [0, 1), a multiple of 2^-53, independent for each argument.

    A number depends on the path of its own parameter only: another parameter leaves it as it is.
    """
    return _uniform(b"%d\0%d\0%s" % (seed, index, _name(path)), b"sweepd-draw")


def draw_again(seed: int, index: int, attempt: int, path: tuple[str, ...]) -> float:
    """Return the number in place of one that led to no point; attempts count from 1, all independent."""
    return _uniform(b"%d\0%d\0%d\0%s" % (seed, index, attempt, _name(path)), b"sweepd-redraw")


def _name(path: tuple[str, ...]) -> bytes:
    return "\0".join(path).encode()


def _uniform(counter: bytes, purpose: bytes) -> float:
    digest = blake2b(counter, digest_size=8, person=purpose).digest()
    return (int.from_bytes(digest, "big") >> 11) * _SCALE
