"""The registry of search methods: a method is one entry, and no other code depends on its name."""

from dataclasses import replace

import pytest

from sweepd import v1
from sweepd.spec.methods.proposed import Cursor, Found, Proposed, Seen, Source
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.methods.sequence import known_size, look_ahead, next_point
from sweepd.spec.parse import parse_mapping
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec


@pytest.mark.parametrize("name", METHODS)
def test_each_method_has_its_name_and_a_value_in_the_contract(name: str) -> None:
    assert METHODS[name].name == name
    assert METHODS[name].meaning.endswith(".")
    assert v1.SearchMethod.Value(f"SEARCH_METHOD_{name.upper()}")


def test_a_new_method_hands_out_its_points() -> None:
    def corner(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> Found:
        if cursor.index:
            return Found(at=cursor, after=cursor, done=True)
        proposed = Proposed.of(spec.search_space.from_unit((0.0,)), Source.RANDOM, 0)
        return Found(at=cursor, after=cursor.at(1), proposed=proposed)

    parsed = parse_mapping({"method": "random", "parameters": {"x": {"min": 2, "max": 5}}})
    assert parsed.spec is not None
    method = SearchMethod(name="corner", meaning="The lowest point.", search=corner)
    spec = replace(parsed.spec, method=method)
    cursor, proposed, done = next_point(spec, Cursor(), {}, None)
    assert proposed is not None
    assert (proposed.point, done) == ({"x": 2}, False)
    assert next_point(spec, cursor, {}, None) == (cursor, None, True)
    assert look_ahead(spec, cursor, {}, None) == (cursor, False)
    assert known_size(spec) == 4
