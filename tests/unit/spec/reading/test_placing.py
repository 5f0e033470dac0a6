"""Names of projects and entities from other tools, and their conversion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.name_part import as_part, is_part
from sweepd.spec.keys.sweep import to_document
from sweepd.spec.parse import PLACING_KEYS, parse_mapping, parse_text

GRID = "program: t.py\nmethod: grid\nparameters: {a: {values: [1]}}\n"


def test_a_name_without_effect_may_contain_anything() -> None:
    """W&B allows projects of any name: a file with such a name works if a flag replaces it."""
    text = (GRID + "project: ' / '\nentity: ACME\n").encode()
    assert [found.path for found in parse_text(text, file="s").diagnostics] == ["project"]
    assert [found.path for found in parse_text(text, file="s", placing=("entity",)).diagnostics] == ["entity"]
    spec = parse_text(text, file="s", placing=()).spec
    assert spec is not None
    assert (spec.project, spec.entity) == (" / ", "ACME")
    assert parse_mapping(to_document(spec)).spec == spec


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ("project: My Project", '4:10: project: the sweep will be created in the project "my-project"'),
        ("entity: Some-Team", '4:9: entity: the sweep will be created in the entity "some-team"'),
        ("entity: acme\nproject: MNIST", '5:10: project: the sweep will be created in "acme/mnist"'),
        ("entity: ACME\nproject: mnist", '4:9: entity: the sweep will be created in "acme/mnist"'),
        ("entity: ACME\nproject: MNIST", '5:10: project: the sweep will be created in "acme/mnist"'),
    ],
)
def test_names_of_other_products_are_converted_with_one_warning(written: str, where: str) -> None:
    parsed = parse_text((GRID + written).encode(), file="s")
    (warning,) = parsed.diagnostics
    assert (warning.severity, warning.code) == ("warning", "changed-name")
    assert str(warning).startswith(f"s:{where}: names have 1 to 64 lower-case letters")
    assert parsed.spec is not None
    again = parse_mapping(to_document(parsed.spec), placing=PLACING_KEYS)
    assert (again.spec, again.diagnostics) == (parsed.spec, ())


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("mnist", "mnist"),
        ("a--b-", "a--b-"),
        ("MNIST", "mnist"),
        ("My  Project (v2)", "my-project-v2"),
        ("team/project", "team-project"),
        ("__main__", "main__"),
        ("Größe é Å ŉ İ \N{MATHEMATICAL BOLD CAPITAL A} ﬁ", "grosse-e-a-n-i-a-fi"),
        ("实验 3", "3"),
        ("A" * 200, "a" * 64),
        ("A" * 63 + " b", "a" * 63),
        (" _.-", ""),
        ("实验", ""),
        ("\udcff", ""),
    ],
)
def test_an_invalid_name_becomes_the_nearest_valid_one(written: str, ours: str) -> None:
    assert as_part(written) == ours


@given(st.text(max_size=300))
def test_a_valid_name_is_unchanged(written: str) -> None:
    ours = as_part(written)
    assert ours == "" or is_part(ours)
    assert as_part(ours) == ours
