"""At which iterations the rules of early termination look at a run."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from heapq import merge
from itertools import count, islice

from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, StopRule, Threshold

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
