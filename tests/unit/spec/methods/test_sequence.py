"""Order of points (spec sections 6 and 19): each method, initial points, resumed cursors."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.methods.proposed import Cursor, Proposed, Source
from sweepd.spec.methods.sequence import (
    counted_points,
    known_size,
    look_ahead,
    next_point,
    planned_runs,
    points_taken,
)
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Point, canonical_json
from sweepd.spec.sweep_spec import SweepSpec

FINITE = {"a": {"min": 1, "max": 4}, "b": {"values": ["x", "y", None]}, "c": {"value": 7}}
ENDLESS = {"x": {"min": 0.0, "max": 1.0}, "n": {"min": 1, "max": 100}}
CONDITIONAL = {
    "kind": {"values": ["sgd", "adam"]},
    "momentum": {"values": [0.0, 0.9], "when": "kind == 'sgd'"},
    "beta": {"values": [0.8, 0.9, 0.99], "when": "kind == 'adam'"},
}
SEEDS = st.integers(0, 2**31)
START = Cursor()


def a_spec(method: str, parameters: Mapping[str, object] | None = None, **keys: object) -> SweepSpec:
    document: dict[str, object] = {"program": "train.py", "seed": 7, "method": method, **keys}
    if parameters is not None:
        document["parameters"] = parameters
    if method == "bayes":
        document["metric"] = {"name": "loss"}
    parsed = parse_mapping(document)
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


def sequence(
    spec: SweepSpec,
    cursor: Cursor = START,
    seen: Counter[bytes] | None = None,
    limit: int = 5_000,
) -> Iterator[tuple[Cursor, Proposed]]:
    """Yield all points of a sweep, with the cursor after each."""
    seen = Counter() if seen is None else seen
    size = known_size(spec, counted_points(spec))
    while True:
        cursor, proposed, done = next_point(spec, cursor, seen, size, limit)
        if done:
            assert proposed is None
            return
        if proposed is not None:
            seen[proposed.digest] += 1
            yield cursor, proposed


def test_draws_from_an_infinite_range_with_few_likely_values_may_repeat() -> None:
    spec = a_spec("random", {"x": {"distribution": "q_normal", "mu": 5, "sigma": 0.001, "q": 1}})
    assert first(spec, 4) == [{"x": 5}] * 4


def test_the_rarest_value_of_a_finite_space_is_found_by_enumeration() -> None:
    spec = a_spec("random", {"x": {"values": ["a", "b"], "probabilities": [1 - 1e-15, 1e-15]}})
    assert first(spec) == [{"x": "a"}, {"x": "b"}]


def first(spec: SweepSpec, count: int = 10_000) -> list[Point]:
    return [proposed.point for _, (_, proposed) in zip(range(count), sequence(spec), strict=False)]


def texts(points: list[Point]) -> list[str]:
    return [canonical_json(point) for point in points]


def test_a_grid_is_walked_in_the_order_of_names() -> None:
    points = first(a_spec("grid", {"b": {"values": [1, 2]}, "a": {"values": ["x", "y"]}}))
    assert points == [{"a": "x", "b": 1}, {"a": "x", "b": 2}, {"a": "y", "b": 1}, {"a": "y", "b": 2}]


@pytest.mark.lengthy
@given(SEEDS, st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_shuffle_is_a_permutation_of_the_walk(seed: int, a: int, b: int, c: int) -> None:
    parameters = {name: {"values": list(range(size))} for name, size in (("a", a), ("b", b), ("c", c))}
    walked = first(a_spec("grid", parameters))
    mixed = first(a_spec("grid", parameters, shuffle=True, seed=seed))
    assert sorted(texts(mixed)) == sorted(texts(walked))
    assert len(set(texts(mixed))) == a * b * c


def test_shuffles_of_different_seeds_differ() -> None:
    parameters = {"a": {"min": 1, "max": 50}}
    orders = {tuple(texts(first(a_spec("grid", parameters, shuffle=True, seed=seed)))) for seed in range(20)}
    assert len(orders) == 20


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_grid_of_any_size_is_never_listed(shuffle: bool) -> None:
    parameters = {f"p{number}": {"min": 1, "max": 1_000} for number in range(200)}
    assert len(set(texts(first(a_spec("grid", parameters, shuffle=shuffle), 50)))) == 50


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_grid_hands_out_distinct_active_points_only(shuffle: bool) -> None:
    spec = a_spec("grid", CONDITIONAL, shuffle=shuffle)
    expected: list[Point] = [{"kind": "sgd", "momentum": m} for m in (0.0, 0.9)]
    expected += [{"kind": "adam", "beta": b} for b in (0.8, 0.9, 0.99)]
    assert sorted(texts(first(spec))) == sorted(texts(expected))
    assert known_size(spec, counted_points(spec)) == 5


@pytest.mark.parametrize("method", ["grid", "random", "sobol", "bayes"])
@given(seed=SEEDS)
def test_a_finite_space_hands_out_each_point_once_and_ends(method: str, seed: int) -> None:
    points = first(a_spec(method, FINITE, seed=seed))
    assert len(points) == 12
    assert len(set(texts(points))) == 12


@pytest.mark.parametrize("method", ["random", "sobol", "bayes"])
def test_conditional_points_of_a_finite_space_are_handed_out_once_each(method: str) -> None:
    points = first(a_spec(method, CONDITIONAL))
    assert len(points) == len(set(texts(points))) == 5


@pytest.mark.parametrize(
    ("method", "extra"),
    [("grid", {}), ("grid", {"shuffle": True}), ("random", {}), ("sobol", {}), ("bayes", {})],
)
def test_every_method_keeps_the_constraints(method: str, extra: dict[str, object]) -> None:
    parameters = {"a": {"min": 1, "max": 10}, "b": {"min": 1, "max": 10}}
    points = first(a_spec(method, parameters, constraints=["a + b <= 6"], **extra))
    assert len(points) == len(set(texts(points))) == 15
    assert all(int(str(point["a"])) + int(str(point["b"])) <= 6 for point in points)


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_the_index_of_a_drawn_point_reproduces_it(method: str) -> None:
    spec = a_spec(method, ENDLESS)
    draw = spec.method.draw
    assert draw is not None
    proposed = [each for _, each in islice(sequence(spec), 5)]
    assert [draw(spec, each.index)[0] for each in proposed] == [each.point for each in proposed]
    assert len(proposed) == 5


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_constraints_also_hold_in_infinite_spaces(method: str) -> None:
    parameters = {"a": {"min": 0.0, "max": 1.0}, "b": {"min": 0.0, "max": 1.0}}
    points = first(a_spec(method, parameters, constraints=["a + b < 0.5"]), 100)
    assert len(set(texts(points))) == 100
    assert all(float(str(point["a"])) + float(str(point["b"])) < 0.5 for point in points)


def test_a_list_runs_exactly_as_written_duplicates_included() -> None:
    runs = [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.1}, {"lr": 0.1}]
    proposed = [each for _, each in sequence(a_spec("list", runs=runs))]
    assert [each.point for each in proposed] == runs
    assert [each.index for each in proposed] == [0, 1, 2, 3]
    assert {each.source for each in proposed} == {Source.LIST}


@pytest.mark.parametrize("method", ["random", "sobol", "bayes"])
@given(seed=SEEDS)
def test_a_seed_determines_the_points_and_another_seed_gives_others(method: str, seed: int) -> None:
    spec = a_spec(method, ENDLESS, seed=seed)
    assert first(spec, 8) == first(spec, 8)
    assert first(spec, 8) != first(a_spec(method, ENDLESS, seed=seed + 1), 8)


@pytest.mark.parametrize(
    ("method", "parameters", "extra"),
    [
        ("grid", FINITE, {}),
        ("grid", FINITE, {"shuffle": True}),
        ("random", FINITE, {}),
        ("random", ENDLESS, {}),
        ("sobol", FINITE, {}),
        ("sobol", ENDLESS, {}),
        ("list", None, {"runs": [{"a": 1}, {"a": 2}, {"a": 1}]}),
        ("random", ENDLESS, {"initial": [{"n": 5}, {"x": 0.5}]}),
        ("grid", FINITE, {"initial": [{"a": 3}, {"b": "y"}]}),
    ],
)
@given(at=st.integers(0, 12))
def test_a_resumed_cursor_continues_with_the_same_points(
    method: str, parameters: dict[str, object] | None, extra: dict[str, object], at: int
) -> None:
    """P15: a restarted server needs only what it reads back, the cursor and the digests."""
    spec = a_spec(method, parameters, **extra)
    every = [each for _, each in zip(range(14), sequence(spec), strict=False)]
    if at >= len(every):
        return
    seen = Counter(proposed.digest for _, proposed in every[: at + 1])
    resumed = [p for _, (_, p) in zip(range(13 - at), sequence(spec, every[at][0], seen), strict=False)]
    assert resumed == [proposed for _, proposed in every[at + 1 :]]


@given(enqueued=st.sets(st.integers(0, 11)), method=st.sampled_from(["grid", "random", "sobol"]))
def test_points_of_other_runs_are_not_handed_out(enqueued: set[int], method: str) -> None:
    spec = a_spec(method, FINITE)
    grid = texts(first(a_spec("grid", FINITE)))
    digests = [proposed.digest for _, proposed in sequence(a_spec("grid", FINITE))]
    seen = Counter(digests[index] for index in enqueued)
    points = [proposed.point for _, proposed in sequence(spec, seen=seen)]
    assert sorted(texts(points)) == sorted(text for n, text in enumerate(grid) if n not in enqueued)


@pytest.mark.parametrize("method", ["grid", "random", "sobol", "bayes"])
def test_digests_of_points_outside_the_space_never_end_a_sweep_early(method: str) -> None:
    """The number of points seen does not prove the end: some may have been enqueued."""
    foreign = Counter(bytes([number]) * 32 for number in range(40))
    points = [proposed.point for _, proposed in sequence(a_spec(method, FINITE), seen=foreign)]
    assert len(points) == len(set(texts(points))) == 12


@pytest.mark.parametrize("method", ["grid", "random", "sobol", "bayes"])
def test_the_last_point_is_recognised_as_the_last(method: str) -> None:
    spec = a_spec(method, FINITE, constraints=["a != 4"])
    size = known_size(spec, counted_points(spec))
    assert size == 9
    seen: Counter[bytes] = Counter()
    left: list[bool | None] = []
    for cursor, proposed in sequence(spec):
        seen[proposed.digest] += 1
        left.append(look_ahead(spec, cursor, seen, size)[1])
    assert left == [True] * 8 + [False]


def test_looking_ahead_changes_no_point() -> None:
    for extra in ({}, {"shuffle": True}):
        spec = a_spec("grid", FINITE, constraints=["a != 2 or b == 'x'"], **extra)
        seen: Counter[bytes] = Counter()
        cursor, points = Cursor(), []
        while True:
            cursor, proposed, _ = next_point(spec, cursor, seen, 10)
            if proposed is None:
                break
            points.append(proposed.point)
            seen[proposed.digest] += 1
            cursor, _ = look_ahead(spec, cursor, seen, 10)
        assert points == first(spec)


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_interrupted_search_resumes_at_its_position(shuffle: bool) -> None:
    parameters = {"a": {"min": 1, "max": 30}, "b": {"min": 1, "max": 30}}
    spec = a_spec("grid", parameters, constraints=["(a * b) % 29 == 1"], shuffle=shuffle)
    every = [proposed.point for _, proposed in sequence(spec)]
    pieces = [proposed.point for _, proposed in sequence(spec, limit=7)]
    assert pieces == every
    assert len(every) > 10


def test_a_step_limited_to_one_candidate_draws_one() -> None:
    spec = a_spec("random", ENDLESS)
    cursor, proposed, done = next_point(spec, START, Counter(), None, 1)
    assert proposed is not None
    assert (cursor, done) == (START.at(1), False)


def test_values_of_weight_zero_come_last() -> None:
    rare = {"values": ["often", "never", "hardly"], "probabilities": [1.0, 0.0, 0.0]}
    for method in ("random", "sobol"):
        assert first(a_spec(method, {"a": rare}))[0] == {"a": "often"}


@pytest.mark.parametrize("method", ["grid", "random", "sobol", "bayes"])
def test_initial_points_come_first_in_order_completed(method: str) -> None:
    initial: list[Point] = [{"b": "y"}, {"a": 4, "b": "x", "c": 7}, {"a": 2}]
    spec = a_spec(method, FINITE, initial=initial)
    proposed = [each for _, each in sequence(spec)]
    assert len(proposed) == len({each.digest for each in proposed}) == 12, "no point twice"
    assert [each.source for each in proposed[:4]] == [Source.INITIAL] * 3 + [proposed[11].source]
    assert [each.index for each in proposed[:3]] == [0, 1, 2]
    for given_, each in zip(initial, proposed[:3], strict=True):
        assert given_.items() <= each.point.items()
        assert not spec.search_space.violations(each.point)


def test_a_grid_completes_a_point_with_the_first_matching_combination() -> None:
    spec = a_spec("grid", FINITE, initial=[{"b": "y"}, {"b": "y"}])
    points = first(spec)
    assert points[:3] == [{"a": 1, "b": "y", "c": 7}, {"a": 2, "b": "y", "c": 7}, {"a": 1, "b": "x", "c": 7}]


def test_an_initial_point_that_was_handed_out_is_skipped() -> None:
    spec = a_spec("grid", {"a": {"values": [1, 2]}}, initial=[{"a": 2}, {"a": 2}])
    assert [point["a"] for point in first(spec)] == [2, 1]


def test_completions_are_independent_of_the_points_of_the_method() -> None:
    spec = a_spec("random", ENDLESS, initial=[{"n": 5}])
    initial, following = first(spec, 2)
    assert initial["x"] != following["x"]


@pytest.mark.parametrize(("cap", "runs"), [(None, 1), (3, 3)])
@pytest.mark.parametrize("method", ["random", "sobol"])
def test_a_space_of_constants_repeats_up_to_the_cap_and_runs_once_without(
    method: str, cap: int | None, runs: int
) -> None:
    spec = a_spec(method, {"a": {"value": 1}}, **({} if cap is None else {"run_cap": cap}))
    assert len(first(spec, runs)) == runs
    assert len(first(spec, 10)) == (1 if cap is None else 10), "the caller applies the cap"
    assert planned_runs(spec, known_size(spec)) == runs


@pytest.mark.parametrize(
    ("document", "planned"),
    [
        ({"method": "grid", "parameters": FINITE}, 12),
        ({"method": "grid", "parameters": FINITE, "repeats": 3}, 36),
        ({"method": "grid", "parameters": FINITE, "repeats": 3, "run_cap": 30}, 30),
        ({"method": "grid", "parameters": FINITE, "run_cap": 30}, 12),
        ({"method": "grid", "parameters": CONDITIONAL}, 5),
        ({"method": "grid", "parameters": FINITE, "constraints": ["a > 1"]}, 9),
        ({"method": "random", "parameters": FINITE, "initial": [{"a": 1}]}, 12),
        ({"method": "random", "parameters": ENDLESS}, None),
        ({"method": "sobol", "parameters": ENDLESS, "run_cap": 6}, 6),
        ({"method": "list", "runs": [{"a": 1}, {"a": 1}], "repeats": 2}, 4),
    ],
)
def test_planned_runs_count_repeats_and_the_cap(document: dict[str, object], planned: int | None) -> None:
    spec = a_spec(**document)  # type: ignore[arg-type]
    assert planned_runs(spec, known_size(spec, counted_points(spec))) == planned


MODELS = [f"m{number}" for number in range(40)]
WIDE = {
    "kind": {"values": MODELS},
    **{
        f"{model}_{name}": {"values": [1, 2, 3], "when": f"kind == '{model}'"}
        for model in MODELS
        for name in ("depth", "width")
    },
}


def test_a_few_points_among_very_many_combinations_are_all_found() -> None:
    """Conditions leave 360 points among 10^39 combinations; indices may exceed 64 bits."""
    spec = a_spec("grid", WIDE)
    every = [(cursor, proposed.point) for cursor, proposed in sequence(spec)]
    assert len(every) == len(set(texts([point for _, point in every]))) == 360
    assert every[-1][0].index > 10**39


def test_a_sparse_grid_is_not_shuffled() -> None:
    parsed = parse_mapping({"program": "t.py", "method": "grid", "shuffle": True, "parameters": WIDE})
    assert parsed.spec is None
    (finding,) = (each for each in parsed.diagnostics if each.severity == "error")
    assert (finding.path, finding.code) == ("shuffle", "too-sparse")


def test_points_of_prior_runs_count_if_the_method_would_hand_them_out() -> None:
    steps = {"a": {"distribution": "q_uniform", "min": 0, "max": 4, "q": 2}, "b": {"values": [1, 2]}}
    points: list[Point] = [{"a": 0, "b": 1}, {"a": 4, "b": 1}, {"a": 2, "b": 2}]
    assert points_taken(a_spec("grid", steps), points) == 2  # the grid ends before 4
    assert points_taken(a_spec("random", steps), points) == 3
    weighted = {"a": {"values": [1, 2], "probabilities": [1.0, 0.0]}}
    assert points_taken(a_spec("random", weighted), [{"a": 1}, {"a": 2}]) == 1
    assert points_taken(a_spec("random", FINITE), [{"a": 1, "b": "x", "c": 7}]) == 1
    assert points_taken(a_spec("random", ENDLESS), [{"x": 0.5, "n": 1}]) == 0
    assert points_taken(a_spec("list", runs=[{"a": 1}]), [{"a": 1}]) == 0
    only = {"a": {"value": 1}}
    assert points_taken(a_spec("random", only, run_cap=3), [{"a": 1}]) == 0  # it is repeated
    assert points_taken(a_spec("random", only), [{"a": 1}]) == 1
