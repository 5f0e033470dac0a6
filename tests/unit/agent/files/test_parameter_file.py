"""The parameters as YAML."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sweepd_agent.core.attempt import Json
from sweepd_agent.files.attempt_folder import yaml_parameters

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
VALUE: st.SearchStrategy[Json] = st.recursive(
    SCALAR, lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXT, inner)), max_leaves=8
)


@pytest.mark.lengthy
@given(st.dictionaries(TEXT, VALUE))
def test_a_reader_of_yaml_gets_each_value_with_its_type(params: dict[str, Json]) -> None:
    """Section 10: `name: {value: …}`."""
    read = yaml.safe_load(yaml_parameters(params))
    assert read == {name: {"value": value} for name, value in params.items()}
    assert repr(read) == repr({name: {"value": params[name]} for name in sorted(params)})


def test_the_file_is_the_same_for_the_same_point() -> None:
    assert yaml_parameters({"lr": 1e-05, "a": [1, "x"], "n": None}) == (
        '"a": {value: [1, "x"]}\n"lr": {value: 1.0e-05}\n"n": {value: null}\n'
    )
