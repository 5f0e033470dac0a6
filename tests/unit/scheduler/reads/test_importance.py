"""Requests for the importance of parameters."""

from __future__ import annotations

from math import inf

from sweepd_scheduler.reads.importance import MAX_BYTES, importance_request
from sweepd_scheduler.store.ports import TriedPoint
from unit.scheduler.world import OBJECTIVE, RANDOM, World


def test_only_finite_values_are_sent() -> None:
    sweep = World().create({**RANDOM, **OBJECTIVE})
    tried = [TriedPoint(number, {"lr": 0.5}, value) for number, value in enumerate([0.5, None, inf, -inf])]
    assert [each.value for each in importance_request(sweep, tried).points] == [0.5]


def test_a_request_with_a_large_specification_and_large_points_fits_a_message() -> None:
    texts = [letter * 300_000 for letter in "abcdefgh"]
    sweep = World().create({**RANDOM, **OBJECTIVE, "parameters": {"a": {"values": texts}}})
    tried = [TriedPoint(number, {"a": texts[number]}, float(number)) for number in range(8)]
    asked = importance_request(sweep, tried)
    assert asked.ByteSize() <= MAX_BYTES
    assert 3 <= len(asked.points) <= 6
