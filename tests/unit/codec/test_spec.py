"""A specification survives the round trip through messages, and invalid messages are refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd import v1
from sweepd.codec.spec import spec_from_message, spec_message
from sweepd.codec.values import CodecError, point_message
from sweepd.spec.keys.sweep import to_document
from sweepd.spec.limits import MAX_DEPTH
from sweepd.spec.parse import parse_mapping
from sweepd.spec.sweep_spec import SweepSpec
from unit.spec.strategies import any_sweeps

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True)
LOW = st.integers(-50, 50)
SPAN = st.integers(1, 100)
FRACTION = st.floats(0.01, 0.9)
VALUES = st.lists(
    st.none() | st.booleans() | st.integers(-9, 9) | FRACTION | st.text("abé", max_size=3),
    min_size=1,
    max_size=4,
)


def ranges(
    name: str, *, positive: bool = False, fraction: bool = True, q: bool = False
) -> st.SearchStrategy[dict[str, object]]:
    shift = FRACTION if fraction else st.just(0)
    parts: dict[str, st.SearchStrategy[object]] = {
        "low": st.integers(1, 50) if positive else LOW,
        "span": SPAN,
        "shift": shift,
        "q": st.sampled_from([1, 2, 1.0, 0.5, 0.1]) if q else st.none(),
    }

    def document(drawn: dict[str, object]) -> dict[str, object]:
        low, span, part, step = drawn["low"], drawn["span"], drawn["shift"], drawn["q"]
        assert isinstance(low, int)
        assert isinstance(span, int)
        assert isinstance(part, int | float)
        bounds: dict[str, object] = {"distribution": name, "min": low + part, "max": low + part + span}
        return bounds if step is None else {**bounds, "q": step}

    return st.fixed_dictionaries(parts).map(document)


def shaped(name: str, **keys: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({"distribution": st.just(name), **keys})


Q = st.sampled_from([1, 0.5, 0.1])
LEAVES = st.one_of(
    st.fixed_dictionaries(
        {"value": st.none() | st.integers(-9, 9) | st.lists(st.integers(0, 3), max_size=2)}
    ),
    VALUES.map(lambda values: {"values": values}),
    VALUES.map(lambda values: {"values": values, "probabilities": [1 / len(values)] * len(values)}),
    ranges("int_uniform", fraction=False),
    ranges("uniform"),
    ranges("uniform", fraction=False),
    ranges("q_uniform", q=True),
    ranges("log_uniform_values", positive=True),
    ranges("inv_log_uniform_values", positive=True),
    ranges("q_log_uniform_values", positive=True, q=True),
    shaped("log_uniform", min=st.floats(-5, 0), max=st.floats(0.1, 2)),
    shaped("inv_log_uniform", min=st.floats(-5, 0), max=st.floats(0.1, 2)),
    shaped("q_log_uniform", min=st.floats(-1, 0), max=st.floats(1, 2), q=st.just(0.1)),
    shaped("normal", mu=LOW, sigma=FRACTION),
    shaped("q_normal", mu=LOW, sigma=FRACTION, q=Q),
    shaped("log_normal", mu=FRACTION, sigma=FRACTION),
    shaped("q_log_normal", mu=FRACTION, sigma=FRACTION, q=Q),
    shaped("beta", a=FRACTION, b=st.just(2)),
    shaped("q_beta", a=FRACTION, b=FRACTION, q=st.just(0.1)),
)
PARAMETERS = st.dictionaries(
    NAMES,
    LEAVES | st.dictionaries(NAMES, LEAVES, min_size=1, max_size=2).map(lambda inner: {"parameters": inner}),
    min_size=1,
    max_size=4,
)
SWEEPS = st.fixed_dictionaries(
    {
        "method": st.just("random"),
        "parameters": PARAMETERS,
        "metric": st.fixed_dictionaries(
            {"name": st.just("val/loss")},
            optional={
                "goal": st.sampled_from(["minimize", "maximize"]),
                "target": st.floats(-1, 1),
                "impute": st.sampled_from(["worst", "best", "latest"]),
                "impute_while_running": st.sampled_from(["worst", "best", "latest", "false"]),
            },
        ),
    },
    optional={
        "name": st.text("aé\n", min_size=1, max_size=4).filter(str.strip),
        "description": st.text("aé", min_size=1, max_size=4),
        "program": st.just("train.py"),
        "command": st.just(["${env}", "python", "x.py", "${args}"]),
        "run_cap": st.integers(1, 2**40),
        "seed": st.integers(0, 2**62),
        "early_terminate": st.sampled_from(
            [
                {"type": "hyperband", "min_iter": 3, "eta": 1.5},
                {"type": "hyperband", "max_iter": 27, "s": 2, "strict": False},
            ]
        ),
    },
)


def spec_of(document: dict[str, object]) -> SweepSpec:
    parsed = parse_mapping(document)
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


@pytest.mark.lengthy
@given(document=SWEEPS)
def test_a_specification_survives_the_round_trip(document: dict[str, object]) -> None:
    spec = spec_of(document)
    bytes_ = spec_message(spec).SerializeToString()
    again = spec_from_message(v1.SweepSpec.FromString(bytes_))
    assert again == spec
    for index in range(3):
        assert repr(again.search_space.random_point(1, index)) == repr(
            spec.search_space.random_point(1, index)
        )


FULL: dict[str, object] = {
    "method": "grid",
    "metric": {"name": "loss", "value": "mean"},
    "parameters": {
        "opt": {"values": ["adam", "sgd"]},
        "momentum": {"values": [0.5, 0.9], "when": "opt == 'sgd'"},
        "g": {"when": "opt == 'adam'", "parameters": {"a": {"values": [1, 2]}, "b": {"values": ["x", "y"]}}},
    },
    "constraints": ["g.a < 3 or momentum < 1"],
    "zip": [["g.a", "g.b"]],
    "initial": [{"opt": "adam", "g": {"a": 1}}, {}],
    "shuffle": True,
}


@pytest.mark.parametrize(
    "document",
    [
        FULL,
        {"method": "list", "runs": [{"a": 1, "b": [1.0, {"c": None}]}, {"a": 1, "b": "x"}, {}]},
        {"method": "list", "runs": [{"a": 1}], "parameters": {"a": {"values": [1, 2]}}},
    ],
)
def test_points_and_conditions_survive_the_round_trip(document: dict[str, object]) -> None:
    spec = spec_of(document)
    again = spec_from_message(v1.SweepSpec.FromString(spec_message(spec).SerializeToString()))
    assert again == spec
    assert repr(again) == repr(spec)
    assert parse_mapping(to_document(spec)).spec == spec


@pytest.mark.lengthy
@given(document=any_sweeps())
def test_every_key_survives_the_round_trip(document: dict[str, object]) -> None:
    spec = spec_of(document)
    # Names of sweeps include entity and project; in messages, an empty description is the same as none.
    spec = replace(spec, description=spec.description or None, project=None, entity=None)
    again = spec_from_message(v1.SweepSpec.FromString(spec_message(spec).SerializeToString()))
    assert again == spec
    # 1, 1.0 and true are equal; the inputs of a run must also have the same types.
    for kept in ("initial", "runs", "metadata"):
        assert repr(getattr(again, kept)) == repr(getattr(spec, kept))
    for index in range(3):
        point = spec.search_space.random_point(1, index)
        assert repr(again.search_space.random_point(1, index)) == repr(point)


def a_message() -> v1.SweepSpec:
    parameters = {"lr": {"min": 0.1, "max": 1.0}, "opt": {"values": ["a", "b"]}}
    return spec_message(spec_of({"method": "bayes", "metric": {"name": "loss"}, "parameters": parameters}))


def no_method(message: v1.SweepSpec) -> None:
    message.method = v1.SEARCH_METHOD_UNSPECIFIED


def no_distribution(message: v1.SweepSpec) -> None:
    message.parameters[0].distribution.Clear()


def no_shape(message: v1.SweepSpec) -> None:
    message.parameters[0].ClearField("shape")


def a_name_twice(message: v1.SweepSpec) -> None:
    message.parameters.append(message.parameters[0])


def reversed_bounds(message: v1.SweepSpec) -> None:
    message.parameters[0].distribution.uniform.max = 0.0


def an_infinite_bound(message: v1.SweepSpec) -> None:
    message.parameters[0].distribution.uniform.max = float("inf")


def an_unset_value(message: v1.SweepSpec) -> None:
    message.parameters[1].distribution.categorical.values[1].Clear()


def no_parameters(message: v1.SweepSpec) -> None:
    message.ClearField("parameters")


def no_metric(message: v1.SweepSpec) -> None:
    message.ClearField("metric")


def no_rule(message: v1.SweepSpec) -> None:
    message.early_terminations.add()


def a_second_rule_without_keys(message: v1.SweepSpec) -> None:
    message.early_terminations.add().patience.iterations = 3
    message.early_terminations.add().asha.SetInParent()


def runs_of_a_grid(message: v1.SweepSpec) -> None:
    message.listed_points.add()


def an_initial_point_outside(message: v1.SweepSpec) -> None:
    message.initial_points.add().entries.add(name="lr").value.double_value = 7


def an_unset_initial_value(message: v1.SweepSpec) -> None:
    message.initial_points.add().entries.add(name="lr")


def a_negative_time(message: v1.SweepSpec) -> None:
    message.sweep_timeout.FromSeconds(-3)


def too_many_repeats(message: v1.SweepSpec) -> None:
    message.repeats = 2**31


def an_unknown_aggregate(message: v1.SweepSpec) -> None:
    message.repeats = 2
    message.aggregate = 77  # type: ignore[assignment]


def an_unknown_module(message: v1.SweepSpec) -> None:
    message.compat = 77  # type: ignore[assignment]


def too_many_tags(message: v1.SweepSpec) -> None:
    message.tags.extend(str(number) for number in range(65))


def a_probability_that_is_not_a_number(message: v1.SweepSpec) -> None:
    message.guard.sweep = float("nan")


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (no_method, "method"),
        (no_distribution, "parameters.lr"),
        (no_shape, "parameters.lr"),
        (a_name_twice, "parameters.lr"),
        (reversed_bounds, "parameters.lr"),
        (an_infinite_bound, "parameters.lr"),
        (an_unset_value, "parameters.opt.values[1]"),
        (no_parameters, "parameters"),
        (no_metric, "method"),
        (no_rule, "early_terminate"),
        (a_second_rule_without_keys, "early_terminate[1].min_iter"),
        (runs_of_a_grid, "runs"),
        (an_initial_point_outside, "initial[0].lr"),
        (an_unset_initial_value, "initial[0].lr"),
        (a_negative_time, "sweep_timeout"),
        (too_many_repeats, "repeats"),
        (an_unknown_aggregate, "aggregate"),
        (an_unknown_module, "compat"),
        (too_many_tags, "tags"),
        (a_probability_that_is_not_a_number, "guard.sweep"),
    ],
)
def test_a_malformed_message_is_refused_with_the_field(
    spoil: Callable[[v1.SweepSpec], None], field: str
) -> None:
    message = a_message()
    spoil(message)
    with pytest.raises(CodecError) as caught:
        spec_from_message(message)
    assert caught.value.field.startswith(field)


def test_the_default_goal_is_minimize() -> None:
    message = a_message()
    message.metric.goal = v1.GOAL_UNSPECIFIED
    metric = spec_from_message(message).metric
    assert metric is not None
    assert metric.goal == "minimize"


def test_a_number_out_of_the_range_of_the_contract_is_refused() -> None:
    spec = spec_of({"method": "random", "parameters": {"a": {"value": 1}}})
    with pytest.raises(CodecError):
        spec_message(replace(spec, repeats=2**33))


@pytest.mark.parametrize("groups", range(14))
def test_the_most_deeply_nested_sweep_of_the_language_fits_into_messages(groups: int) -> None:
    value: object = 1
    spec: SweepSpec | None = None
    for levels in range(MAX_DEPTH):
        node: dict[str, object] = {"a": {"value": value}}
        for _ in range(groups):
            node = {"g": {"parameters": node}}
        parsed = parse_mapping({"method": "random", "parameters": node})
        if parsed.spec is None:
            assert levels > 0
            break
        spec, value = parsed.spec, {"b": value}
    assert spec is not None
    watched = v1.WatchSweepResponse(sweep=v1.Sweep(spec=spec_message(spec)))
    assert spec_from_message(v1.WatchSweepResponse.FromString(watched.SerializeToString()).sweep.spec) == spec
    assert point_message(spec.search_space.random_point(1, 1)).entries
