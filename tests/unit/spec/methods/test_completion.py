"""Completion of a partial point: a grid uses its own values, and no point is handed out twice."""

from collections import Counter

import pytest

from sweepd.spec.methods.sequence import completion
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Point, point_digest
from sweepd.spec.preview import preview
from sweepd.spec.sweep_spec import SweepSpec

QUANTISED = {"distribution": "q_uniform", "min": 0, "max": 4, "q": 2}
"""Draws are 0, 2 and 4, and the grid goes through 0 and 2."""
NOTHING: Counter[bytes] = Counter()


def a_spec(method: str, **keys: object) -> SweepSpec:
    document = {"program": "train.py", "method": method, "seed": 7, **keys}
    parsed = parse_mapping(document)
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


def points(spec: SweepSpec) -> list[Point]:
    return [dict(run.point) for run in preview(spec, 100).runs]


def test_an_initial_point_without_a_new_grid_point_is_skipped() -> None:
    parameters = {"a": QUANTISED, "b": {"values": [1]}}
    spec = a_spec("grid", parameters=parameters, initial=[{"b": 1}, {"b": 1}, {"b": 1}, {"b": 1}])
    assert points(spec) == [{"a": 0, "b": 1}, {"a": 2, "b": 1}]


@pytest.mark.lengthy
def test_points_of_a_sparse_grid_are_completed_by_draws_on_the_grid() -> None:
    names = "abcdefgh"
    parameters = dict.fromkeys(names, QUANTISED)
    spec = a_spec("grid", parameters={**parameters, "z": {"values": [1]}})
    for index in range(20):
        point = completion(spec, {"z": 1}, range(index * 1_000, (index + 1) * 1_000), NOTHING, limit=0)
        assert point is None, "without a candidate it cannot be shown to lie on the grid"
        first = completion(spec, {"z": 1}, [index], NOTHING, limit=1)
        assert first == {**dict.fromkeys(names, 0), "z": 1}
    seen = Counter([point_digest({**dict.fromkeys(names, 0), "z": 1})])
    drawn = [completion(spec, {"z": 1}, range(at, at + 1_000), seen, limit=1) for at in range(5)]
    assert all(point is not None and 4 not in point.values() for point in drawn)


def test_other_methods_complete_by_draws_and_then_in_order() -> None:
    spec = a_spec("random", parameters={"a": QUANTISED, "b": {"values": [1]}})
    seen: Counter[bytes] = Counter()
    for _ in range(3):
        point = completion(spec, {"b": 1}, range(1), seen)
        assert point is not None
        seen[point_digest(point)] += 1
    assert set(seen.values()) == {1}
    assert completion(spec, {"b": 1}, range(1), seen) is None


def test_an_initial_point_is_completed_by_draws_that_the_method_does_not_use() -> None:
    parameters = {"a": {"min": 0.0, "max": 1.0}, "b": {"min": 0.0, "max": 1.0}}
    spec = a_spec("random", parameters=parameters, initial=[{"a": 0.25}, {"a": 0.75}])
    first, second, *drawn = points(spec)
    assert (first["a"], second["a"]) == (0.25, 0.75)
    assert first["b"] != second["b"]
    assert not {first["b"], second["b"]} & {point["b"] for point in drawn}
