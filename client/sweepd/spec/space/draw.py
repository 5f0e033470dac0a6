"""Random numbers by (seed, index, name): the same on every platform and in every version, in any order.

A counter-based generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
with BLAKE2b as its function. Changing it changes the points of every existing seed.
"""

from hashlib import blake2b

_SCALE = 2.0**-53


def draw(seed: int, index: int, path: tuple[str, ...]) -> float:
    """Return a number uniform in [0, 1), a multiple of 2^-53, independent for each argument.

    Of the parameters only the one's own path counts: one parameter more leaves the draws of the others alone.
    """
    name = "\0".join(path).encode()
    digest = blake2b(b"%d\0%d\0%s" % (seed, index, name), digest_size=8, person=b"sweepd-draw").digest()
    return (int.from_bytes(digest, "big") >> 11) * _SCALE


def draw_again(seed: int, index: int, attempt: int, path: tuple[str, ...]) -> float:
    """Return what `draw` does after that led nowhere; attempts count from 1, each independent of all."""
    name = "\0".join(path).encode()
    counter = b"%d\0%d\0%d\0%s" % (seed, index, attempt, name)
    digest = blake2b(counter, digest_size=8, person=b"sweepd-redraw").digest()
    return (int.from_bytes(digest, "big") >> 11) * _SCALE
