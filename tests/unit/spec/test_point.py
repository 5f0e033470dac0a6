"""Equality of points: canonical text and digest."""

import pytest

from sweepd.spec.point import Json, canonical_json, point_digest


def test_1_equals_1_0_but_neither_true_nor_text() -> None:
    same: list[dict[str, Json]] = [{"a": 1}, {"a": 1.0}]
    others: list[dict[str, Json]] = [{"a": True}, {"a": "1"}, {"a": None}, {"a": 0}, {"a": False}, {"b": 1}]
    assert len({point_digest(point) for point in same}) == 1
    assert len({point_digest(point) for point in [*same, *others]}) == 1 + len(others)


def test_the_canonical_text_sorts_keys_at_every_level() -> None:
    assert canonical_json({"b": {"z": 1.5, "a": [3000000.0, -0.0]}, "B": "é"}) == (
        '{"B":"\\u00e9","b":{"a":[3000000,0],"z":1.5}}'
    )


def test_a_digest_has_32_bytes_and_never_changes() -> None:
    assert (
        point_digest({"lr": 0.1}).hex() == "9c9ba942d8bb6213cd855c3e8ddfeb6640a23616f11f4da3d8e77555902a6107"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}, b"a"])
def test_values_outside_json_have_no_canonical_text(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|is not text"):
        canonical_json({"a": value})
