"""The rules of early termination, as the file states them."""

from collections.abc import Iterator
from dataclasses import dataclass

from sweepd.spec.limits import MAX_MIN_ITER_RUNGS
from sweepd.spec.point import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperband:
    """A run stops if it is not among the best int(n / eta) + 1, ties included, of the n runs at its bracket.

    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018), "Hyperband", JMLR 18(185); the brackets are those
    that W&B's sweeps give the same keys: `min_iter` times powers of `eta`, or `max_iter` divided `s` times.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asha:
    """At rung int(min_iter * eta^k) a run goes on if it is among the best floor(n / eta), at least one, of n.

    Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar (2018), "A System for Massively Parallel
    Hyperparameter Tuning", in the stopping form. No rung lies at or beyond `max_iter`.
    """

    min_iter: int
    eta: Number = 3
    max_iter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """A run stops when its best is worse than the median of the bests of the others that got as far.

    Golovin, Solnik, Moitra, Kochanski, Karro, Sculley (2017), "Google Vizier", KDD, section 3.2. Judged at
    `min_iter` and every `interval` iterations after it, once `min_runs` others have got there.
    """

    min_iter: int
    interval: int = 1
    min_runs: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A run stops when its best has not improved by more than `min_delta` for `iterations` iterations."""

    iterations: int
    min_delta: Number = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A run stops when its value at iteration `at` is worse than `value`."""

    at: int
    value: Number


StopRule = Hyperband | Asha | Median | Patience | Threshold


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
