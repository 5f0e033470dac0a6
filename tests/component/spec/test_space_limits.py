"""Large and odd spaces are read, previewed and sampled within seconds, or refused with the limit."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from sweepd.spec.methods.sequence import MAX_COUNT_STEPS, counted_points
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json
from sweepd.spec.preview import preview
from sweepd.spec.sweep_spec import SweepSpec

SECONDS = 10.0
"""Of the processor, for what takes at most about four on a slow machine."""

PATIENCE = 5
"""Half of what a preview has, for half of the time, as it is used to its end."""

BITS: dict[str, object] = {f"p{number}": {"values": [0, 1]} for number in range(300)}
REALS: dict[str, object] = {name: {"min": 0.0, "max": 1.0} for name in "abcd"}


@contextmanager
def quickly(seconds: float = SECONDS) -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


def read(
    parameters: Mapping[str, object], method: str = "random", **keys: object
) -> tuple[SweepSpec | None, str]:
    document = {"program": "t.py", "seed": 1, "method": method, "parameters": parameters, **keys}
    with quickly():
        parsed = parse_text(json.dumps(document).encode(), file="s.json")
    return parsed.spec, " ".join(each.message for each in parsed.refusals)


def used(parameters: Mapping[str, object], method: str = "random", **keys: object) -> SweepSpec:
    """Read a file and preview it, which counts and draws as the creation of a sweep does."""
    spec, refusals = read(parameters, method, **keys)
    assert spec is not None, refusals
    # The count does not depend on how points are drawn, and drawing at random counts everything.
    with quickly(SECONDS / 2):
        steps = MAX_COUNT_STEPS // 10 if method == "sobol" else MAX_COUNT_STEPS
        shown = preview(spec, 20, patience=PATIENCE, steps=steps)
    assert shown.broken_off or shown.runs
    for run in shown.runs:
        assert spec.search_space.violations(run.point) == ()
    return spec


@pytest.mark.parametrize("method", ["grid", "random", "sobol", "bayes"])
def test_three_hundred_parameters_of_every_kind(method: str) -> None:
    forms: list[dict[str, object]] = [{"values": ["a", "b", None]}, {"min": 0, "max": 99}]
    if method != "grid":
        forms += [{"min": 0.0, "max": 1.0}, {"distribution": "normal"}, {"distribution": "beta", "a": 2}]
    metric: dict[str, object] = {"metric": {"name": "loss"}} if method == "bayes" else {}
    spec = used({f"p{number}": forms[number % len(forms)] for number in range(300)}, method, **metric)
    point = spec.search_space.random_point(1, 1)
    assert len(point) == 300
    assert len(spec.search_space.to_unit(point)) == 300


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_trillion_grid_points(shuffle: bool) -> None:
    parameters: dict[str, object] = {f"p{number}": {"min": 1, "max": 1_000} for number in range(4)}
    spec = used(parameters, "grid", shuffle=shuffle)
    with quickly(1.0):
        assert preview(spec, 20).planned_runs == 10**12
        assert spec.search_space.grid.at(10**12 - 1) == dict.fromkeys(parameters, 1_000)


@pytest.mark.parametrize(
    "values",
    [
        ["\u00e9", "e\u0301", "\u65e5\u672c", "\U0001f600", "\u202eabc", "\x1b[31m", "a\nb", " ", ""],
        [{"\u00e9": ["\U0001f600"]}, [[""]], {"": {"": ""}}],
    ],
)
def test_any_unicode_in_values(values: list[Json]) -> None:
    spec = used({"s": {"values": values}}, "grid")
    assert [run.point["s"] for run in preview(spec, 20).runs] == values, "values that look equal may differ"


@pytest.mark.parametrize("size", [500 * 1024, 524_280, 530_000])
def test_values_of_half_a_mebibyte_or_the_limit_is_named(size: int) -> None:
    parameters: dict[str, object] = {"s": {"values": ["x" * size, "y"]}, "a": {"min": 0, "max": 9}}
    if size > 524_280 - 1:
        spec, refusals = read(parameters)
        assert spec is None
        assert "at most 524,288" in refusals
        return
    spec = used(parameters, constraints=["len(s) > 3 or a > 5", "'z' not in s"])
    assert {len(str(spec.search_space.random_point(1, index)["s"])) for index in range(20)} == {size, 1}


def test_groups_ten_deep() -> None:
    name = ".".join("g" * 10)
    conditional = {"min": 0, "max": 3, "when": f"{name}.x == 2"}
    node: dict[str, object] = {"x": {"values": [1, 2]}, "y": conditional}
    for _ in range(10):
        node = {"g": {"parameters": node}}
    spec = used(node, "grid", constraints=[f"not {name}.y == 1"])
    assert len(preview(spec, 20).runs) == 1 + 3


def test_values_ten_deep() -> None:
    value: Json = {"k": 1}
    for _ in range(9):
        value = [value] if isinstance(value, dict) else {"k": value}
    spec = used({"x": {"values": [value, 2]}}, "grid", constraints=["x != 2"])
    assert [run.point for run in preview(spec, 20).runs] == [{"x": value}]


def test_nesting_beyond_the_limit_is_refused_with_it() -> None:
    node: dict[str, object] = {"x": {"value": 1}}
    for _ in range(15):
        node = {"g": {"parameters": node}}
    assert "nested deeper than 30 levels" in read(node)[1]


def test_a_million_values_are_refused_with_the_limit() -> None:
    spec, refusals = read({"a": {"values": list(range(1_000_000))}}, "grid")
    assert spec is None
    assert "3,145,728 bytes" in refusals
    spec, refusals = read({"a": {"values": [1] * 260_000}}, "grid")
    assert spec is None
    assert "more than 250,000 entries" in refusals


def test_two_hundred_thousand_values_are_accepted() -> None:
    parameters = {"a": {"values": list(range(200_000))}, "b": {"values": [1, 2], "when": "a in [1, 2, 3]"}}
    spec = used(parameters, constraints=["a % 2 == 0"])
    assert counted_points(spec) == 100_000 + 1


def _sum(start: int, stop: int) -> str:
    return " + ".join(f"p{number}" for number in range(start, stop))


LINKED = [
    f"{_sum(0, 100)} >= 30",
    f"{_sum(100, 200)} >= 30",
    f"{_sum(200, 300)} >= 30",
    "p0 == p299",
    "p99 == p100",
]
ADVERSARIAL: dict[str, tuple[dict[str, object], list[str]]] = {
    "bits linked by sums": (BITS, LINKED),
    "bits in pairs": (BITS, [f"p{number} == p{number + 1}" for number in range(10)]),
    "slow powers": (BITS, [f"{'1.1**' * 20}p0 + {_sum(50, 140)} > {number}" for number in range(30)]),
    "long lists": (BITS, [f"p{k} not in [{', '.join(['2'] * 300)}]" for k in range(100)]),
    "a chain": (
        {"c0": {"values": [0, 1, 2]}}
        | {f"c{n}": {"values": [0, 1, 2], "when": f"c{n - 1} > 0"} for n in range(1, 100)},
        [],
    ),
    "a fan": (
        {"k": {"min": 0, "max": 999}}
        | {f"q{n}": {"min": 1, "max": 9, "when": f"k == {n}"} for n in range(999)},
        [f"k != {n}" for n in range(100)],
    ),
    "a million combinations": ({name: {"min": 1, "max": 100} for name in "abc"}, ["(a * b * c) % 7 == 3"]),
    "a wide zip": ({f"z{n}": {"values": list(range(300))} for n in range(300)}, []),
}


METHODS = ("grid", "random", "sobol")
SHORT = {
    "bits linked by sums": "grid",
    "bits in pairs": "sobol",
    "slow powers": "sobol",
    "long lists": "random",
    "a chain": "random",
    "a fan": "random",
    "a million combinations": "grid",
    "a wide zip": "grid",
}
"""The method by which each is used here; the long form has all of them."""


@pytest.mark.parametrize(
    ("name", "method"),
    [
        pytest.param(name, method, marks=() if SHORT[name] == method else pytest.mark.slow)
        for name in ADVERSARIAL
        for method in METHODS
    ],
)
def test_adversarial_spaces_are_used_within_seconds(name: str, method: str) -> None:
    parameters, constraints = ADVERSARIAL[name]
    zips = {"zip": [list(parameters)]} if name == "a wide zip" else {}
    used(parameters, method, constraints=constraints, **zips)


IMPOSSIBLE: dict[str, tuple[dict[str, object], list[str]]] = {
    "a millionth of the volume": (REALS, ["a + b < 0.0014"]),
    "all bits at once": (BITS, [f"{_sum(0, 100)} == 100"]),
    "a hundred pairs": (BITS, [f"p{number} == p{number + 1}" for number in range(100)]),
}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("a millionth of the volume", "sobol"),
        ("all bits at once", "random"),
        ("a hundred pairs", "random"),
        pytest.param("a millionth of the volume", "random", marks=pytest.mark.slow),
        pytest.param("all bits at once", "sobol", marks=pytest.mark.slow),
        pytest.param("a hundred pairs", "sobol", marks=pytest.mark.slow),
    ],
)
def test_a_space_in_which_draws_find_no_point_is_refused_within_seconds(name: str, method: str) -> None:
    parameters, constraints = IMPOSSIBLE[name]
    spec, refusals = read(parameters, method, constraints=constraints)
    assert spec is None
    assert "random points satisfies them; loosen them or narrow the bounds" in refusals


def test_too_large_a_number_of_integers_is_refused_with_the_limit() -> None:
    assert "9,223,372,036,854,775,807 integers" in read({"a": {"min": -(2**62), "max": 2**62}})[1]


def test_a_sobol_sequence_has_at_most_a_thousand_dimensions() -> None:
    spec, refusals = read({f"p{number}": {"min": 0.0, "max": 1.0} for number in range(1_025)}, "sobol")
    assert spec is None
    assert "1,024" in refusals
