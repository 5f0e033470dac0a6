"""The shuffled order (spec section 19, `shuffle`): each index once, by the seed, for any size."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.methods.registry import shuffled

SEEDS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.lengthy
@given(SEEDS, st.integers(1, 600))
def test_every_index_occurs_once(seed: int, size: int) -> None:
    assert sorted(shuffled(seed, index, size) for index in range(size)) == list(range(size))


@given(SEEDS, st.integers(1, 10**40), st.data())
def test_any_size_is_possible_without_listing_the_order(seed: int, size: int, data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(0, size - 1), max_size=20))
    numbers = {shuffled(seed, place, size) for place in places}
    assert len(numbers) == len(places)
    assert all(0 <= number < size for number in numbers)


def test_a_size_beyond_what_one_hash_covers_is_possible() -> None:
    size = 10**400
    assert len({shuffled(3, index, size) for index in range(50)}) == 50


@pytest.mark.parametrize("index", [-1, 5])
def test_an_index_out_of_range_is_refused(index: int) -> None:
    with pytest.raises(IndexError):
        shuffled(1, index, 5)


@pytest.mark.lengthy
@pytest.mark.parametrize("expected", [50, pytest.param(400, marks=pytest.mark.slow)])
def test_all_orders_of_few_elements_are_about_equally_frequent(expected: int) -> None:
    orders = Counter(tuple(shuffled(seed, index, 4) for index in range(4)) for seed in range(24 * expected))
    assert len(orders) == 24
    assert sum((count - expected) ** 2 / expected for count in orders.values()) < 50  # 23 degrees of freedom


def test_the_order_of_a_seed_never_changes() -> None:
    assert [shuffled(7, index, 10) for index in range(10)] == GOLDEN


GOLDEN = [9, 8, 5, 3, 2, 1, 7, 6, 4, 0]
