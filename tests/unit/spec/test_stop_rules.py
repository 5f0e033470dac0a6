"""Tests of the brackets."""

import pytest

from sweepd.spec.stop_rules import Hyperband


@pytest.mark.parametrize(
    ("rule", "limit", "brackets"),
    [
        (Hyperband(min_iter=3), 100, (3, 9, 27, 81)),
        (Hyperband(min_iter=4, eta=1.5), 20, (4, 6, 9, 13, 20)),
        (Hyperband(min_iter=2, eta=2), 9, (2, 4, 8)),
        (Hyperband(min_iter=3), 2, ()),
        (Hyperband(min_iter=1, eta=1.01), 3, (1, 2)),
        (Hyperband(max_iter=27, s=2), 10**9, (3, 9)),
        (Hyperband(max_iter=81, s=4), 10**9, (1, 3, 9, 27)),
        (Hyperband(max_iter=100, s=3), 10**9, (3, 11, 33)),
        (Hyperband(max_iter=9, s=2, eta=2), 10**9, (2, 4)),
        (Hyperband(max_iter=100, s=3), 11, (3, 11)),
        (Hyperband(max_iter=2, s=1), 10**9, ()),
        (Hyperband(min_iter=1, eta=1e308), 10**9, (1,)),
    ],
)
def test_the_brackets_are(rule: Hyperband, limit: int, brackets: tuple[int, ...]) -> None:
    assert rule.brackets(limit) == brackets
