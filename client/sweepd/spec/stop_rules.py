"""Rules of early termination as a file states them, and the iterations at which they look at a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import merge
from itertools import count, islice

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
    """At rung int(min_iter * eta^k) a run continues if it is among the best floor(n / eta), at least 1, of n.

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


FARTHEST_RUNG = 2**53


@cache
def rungs(rule: Hyperband | Asha) -> tuple[int, ...]:
    """Return every iteration at which a halving rule compares runs, ascending."""
    if isinstance(rule, Hyperband):
        return rule.brackets(FARTHEST_RUNG)
    end = FARTHEST_RUNG if rule.max_iter is None else rule.max_iter - 1
    return Hyperband(min_iter=rule.min_iter, eta=rule.eta).brackets(end)


def urgent_iterations(rules: Sequence[StopRule], limit: int) -> tuple[int, ...]:
    """Return the first iterations, ascending, whose values cannot wait because a rule may act on them."""
    return tuple(islice(_ascending(rules), limit))


def reported_at_once(rules: Sequence[StopRule], limit: int) -> tuple[int, ...]:
    """Return the iterations, ascending, whose values an agent is to report at once.

    A median that judges every iteration gets what the other rules leave: where it acts late once it soon acts
    again, but their rungs lie far apart.
    """
    if not rules:
        return ()
    chosen = set(urgent_iterations([rule for rule in rules if not isinstance(rule, Median)], limit))
    for iteration in _ascending(rules):
        if len(chosen) >= limit:
            break
        chosen.add(iteration)
    return tuple(sorted(chosen))


def _ascending(rules: Sequence[StopRule]) -> Iterator[int]:
    return _without_repeats(merge(*map(_iterations, rules)))


def _iterations(rule: StopRule) -> Iterable[int]:
    match rule:
        case Hyperband() | Asha():
            return rungs(rule)
        case Median(min_iter=first, interval=interval):
            return count(first, interval)
        case Threshold(at=at):
            return (at,)
        case Patience(iterations=iterations):
            return (iterations + 1,)  # the first that it may act on; later ones depend on the values


def _without_repeats(ascending: Iterable[int]) -> Iterator[int]:
    before = 0
    for each in ascending:
        if each != before:
            yield each
        before = each
