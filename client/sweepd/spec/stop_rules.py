"""The rules of early termination beside hyperband, as the file states them."""

from dataclasses import dataclass

from sweepd.spec.hyperband import Hyperband
from sweepd.spec.point import Number


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
