"""At which iterations hyperband compares runs.

Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018), "Hyperband", JMLR 18(185); the brackets are those that
W&B's sweeps give the same keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sweepd.spec.limits import MAX_MIN_ITER_RUNGS
from sweepd.spec.point import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperband:
    """Early termination by brackets: growing from `min_iter`, or dividing `max_iter` `s` times.

    Either `min_iter` is set, or `max_iter` and `s` are. `strict` judges a run by its value at the bracket,
    otherwise its best value so far counts.
    """

    min_iter: int | None = None
    max_iter: int | None = None
    s: int | None = None
    eta: Number = 3
    strict: bool = True

    def brackets(self, limit: int) -> tuple[int, ...]:
        """Return the iterations at which runs are compared, rising, up to and including `limit`."""
        if self.max_iter is not None and self.s is not None:
            rungs = set(_divided(self.max_iter, self.s, self.eta))
        else:
            rungs = set(_multiplied(self.min_iter or 1, self.eta, limit))
        return tuple(sorted(rung for rung in rungs if rung <= limit))


def _divided(max_iter: int, s: int, eta: Number) -> Iterator[int]:
    value = float(max_iter)
    for _ in range(s):
        value /= eta
        if value < 1:
            return
        yield int(value)


def _multiplied(min_iter: int, eta: Number, limit: int) -> Iterator[int]:
    for k in range(MAX_MIN_ITER_RUNGS):
        value = min_iter * eta**k
        if value >= limit + 1:
            return
        yield int(value)
