"""Early termination rules as specified in a file, and the iterations at which they evaluate a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import merge
from itertools import count, islice

from sweepd.spec.limits import MAX_MIN_ITER_RUNGS
from sweepd.spec.point import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperband:
    """Rule that stops a run unless it is among the best int(n / eta) + 1 of the n runs at its bracket.

    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018), "Hyperband", JMLR 18(185), with the brackets of
    W&B's sweeps: `min_iter` times powers of `eta`, or `max_iter` divided by `eta` up to `s` times.

    Either `min_iter` is set, or `max_iter` and `s` are. Ties count as equally good. With `strict`, a run is
    compared by its value at the bracket, otherwise by its best value so far.
    """

    min_iter: int | None = None
    max_iter: int | None = None
    s: int | None = None
    eta: Number = 3
    strict: bool = True

    def brackets(self, limit: int) -> tuple[int, ...]:
        """Return the iterations at which runs are compared, ascending, up to and including `limit`."""
        if self.max_iter is not None and self.s is not None:
            rungs = set(_divided(self.max_iter, self.s, self.eta))
        else:
            rungs = set(_multiplied(self.min_iter or 1, self.eta, limit))
        return tuple(sorted(rung for rung in rungs if rung <= limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asha:
    """Rule that stops a run unless it is among the best max(1, floor(n / eta)) of the n runs at a rung.

    Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar (2018), "A System for Massively Parallel
    Hyperparameter Tuning", in the stopping variant. Rungs are int(min_iter * eta^k) below `max_iter`.
    """

    min_iter: int
    eta: Number = 3
    max_iter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """Rule that stops a run whose best value so far is worse than the median best value of the other runs.

    Golovin, Solnik, Moitra, Kochanski, Karro, Sculley (2017), "Google Vizier", KDD, section 3.2. Acts at
    `min_iter` and every `interval` iterations after it, once `min_runs` others have reached the iteration.
    """

    min_iter: int
    interval: int = 1
    min_runs: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Rule that stops a run whose best value improved by at most `min_delta` over `iterations` iterations."""

    iterations: int
    min_delta: Number = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Rule that stops a run whose value at iteration `at` is worse than `value`."""

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


MAX_RUNG = 2**53


@cache
def rungs(rule: Hyperband | Asha) -> tuple[int, ...]:
    """Return all iterations at which Hyperband or ASHA compares runs, ascending."""
    if isinstance(rule, Hyperband):
        return rule.brackets(MAX_RUNG)
    end = MAX_RUNG if rule.max_iter is None else rule.max_iter - 1
    return Hyperband(min_iter=rule.min_iter, eta=rule.eta).brackets(end)


def urgent_iterations(rules: Sequence[StopRule], limit: int) -> tuple[int, ...]:
    """Return the first `limit` iterations, ascending, at which a rule may act."""
    return tuple(islice(_ascending(rules), limit))


def reported_at_once(rules: Sequence[StopRule], limit: int) -> tuple[int, ...]:
    """Return at most `limit` iterations, ascending, whose values an agent must report immediately.

    Iterations of `Median` are added last: this rule acts often, so a late value delays it little, whereas the
    iterations of other rules are far apart.
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
            return (
                iterations + 1,
            )  # the first iteration at which it may act; later ones depend on the values


def _without_repeats(ascending: Iterable[int]) -> Iterator[int]:
    before = 0
    for each in ascending:
        if each != before:
            yield each
        before = each
