"""Columns of parameters for a forest."""

import numpy as np
import pytest

from suggestion_studies import a_spec
from sweepd_suggestion.domain.feature_importance import _parts
from sweepd_suggestion.domain.vectors import INACTIVE


@pytest.mark.parametrize(
    ("parameters", "categories", "columns"),
    [
        (1, 10, 10),
        (1, 501, 500),  # five hundred columns in all
        (2, 260, 250),
        (100, 6, 5),
        (300, 3, 2),  # at least two columns each
    ],
)
def test_categorical_parameters_share_a_limited_number_of_columns(
    parameters: int, categories: int, columns: int
) -> None:
    values = [f"v{number}" for number in range(categories)]
    space = a_spec({f"p{number}": {"values": values} for number in range(parameters)}).search_space
    codes = np.repeat(np.arange(float(categories)), 2)
    found = _parts(space.dimensions, np.column_stack([codes] * parameters))
    assert {part.columns.shape for part in found} == {(2 * categories, columns)}


@pytest.mark.parametrize("values", [[1, "a", 2.5], [True, 2, 3], [True, False, None]])
def test_numbers_among_other_categories_are_categories(values: list[object]) -> None:
    space = a_spec({"c": {"values": values}}).search_space
    (part,) = _parts(space.dimensions, np.array([[0.0], [1.0], [2.0]] * 2))
    assert part.scale is None
    assert part.columns.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]] * 2


def test_booleans_are_numbers_if_all_are() -> None:
    space = a_spec({"c": {"values": [True, False]}}).search_space
    (part,) = _parts(space.dimensions, np.array([[0.0], [1.0]]))
    assert part.scale is not None
    assert part.scale.tolist() == [1.0, 0.0]


def test_only_frequent_categories_have_columns_and_numbers_have_one() -> None:
    space = a_spec(
        {"name": {"values": ["a", "b", "c"]}, "size": {"values": [30, 10, 20]}, "x": {"min": 0.0, "max": 1.0}}
    ).search_space
    vectors = np.array([[0, 0, 0.1], [2, 2, 0.2], [1, 1, 0.3], [2, INACTIVE, 0.4], [0, 0, 0.5]])
    name, size, x = _parts(space.dimensions, vectors)
    assert name.columns.tolist() == [[1, 0], [0, 1], [0, 0], [0, 1], [1, 0]]
    assert size.columns.tolist() == [[2], [1], [0], [INACTIVE], [2]]
    assert x.columns.tolist() == [[0.1], [0.2], [0.3], [0.4], [0.5]]


def test_the_tails_of_a_normal_distribution_have_finite_positions() -> None:
    space = a_spec({"n": {"distribution": "normal"}, "x": {"min": 0.0, "max": 1.0}}).search_space
    n, x = _parts(space.dimensions, np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]))
    assert n.scale == pytest.approx([-7.034484, 0.0, 7.034484], abs=1e-4)
    assert x.scale == pytest.approx([0.0, 0.5, 1.0])
