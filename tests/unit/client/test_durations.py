"""Durations as users write them in flags."""

import tracemalloc

import pytest

from sweepd.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("1m30s", 90),
        ("2h", 7200),
        ("0.5s", 0.5),
        ("1d1h", 90_000),
        ("0", 0),
        ("90", 90),
        ("1.5", 1.5),
    ],
)
def test_a_duration_is_a_sum_of_numbers_with_units_or_a_number_of_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "-3s", "3 s", "1.s", "1e3s", "3sx", "\u0661s", "10x", "1.2.3", "-5"]
)
def test_anything_else_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_a_text_of_a_megabyte_is_refused_in_little_memory() -> None:
    text = "1h" * 500_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"a text of 1,000,000 characters is not a duration"):
            parse_duration(text)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
