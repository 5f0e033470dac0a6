"""Meaning of the parameters of a file, and the messages for every mistake."""

import pytest

from sweepd.spec.finding import Diagnostic
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Group, Parameter, ParameterNode


def parsed(entry: str) -> tuple[ParameterNode | None, tuple[Diagnostic, ...]]:
    text = f"method: random\nprogram: t.py\nparameters:\n  x: {entry}\n"
    result = parse_text(text.encode(), file="s.yaml")
    node = None if result.spec is None else result.spec.parameters["x"]
    return node, result.diagnostics


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("{value: null}", "constant"),
        ("{value: {a: [1]}}", "constant"),
        ("{values: [1, a, null, true, [1], {b: 2}]}", "categorical"),
        ("{values: [1, 2], probabilities: [0.3, 0.7]}", "categorical_w_probabilities"),
        ("{values: [1, 2], probabilities: [0.3, 0.69999]}", "categorical_w_probabilities"),
        ("{values: [1, 2], probabilities: [0.3, 0.70001]}", "categorical_w_probabilities"),
        ("{min: 1, max: 3}", "int_uniform"),
        ("{min: 1, max: 3.0}", "uniform"),
        ("{min: 1e-5, max: 1}", "uniform"),
        ("{distribution: uniform, min: 1, max: 3}", "uniform"),
        ("{distribution: constant, value: 3}", "constant"),
        ("{distribution: categorical, values: [3]}", "categorical"),
        ("{distribution: normal}", "normal"),
        ("{distribution: q_beta, a: 2, q: 0.5}", "q_beta"),
    ],
)
def test_a_parameter_is_read_as(entry: str, name: str) -> None:
    node, diagnostics = parsed(entry)
    assert isinstance(node, Parameter)
    assert node.distribution.name == name
    assert diagnostics == ()


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ("3", "bare-value", "4:6: parameters.x: a parameter is a mapping; for a constant write `value: 3`"),
        ("[1, 2]", "bare-value", "write `values: [...]`"),
        ("{}", "not-a-form", "does not define its values"),
        ("{y: {min: 1, max: 2}}", "not-a-form", "under a key `parameters`"),
        ("{min: 1}", "missing-key", "`min` without `max`"),
        ("{max: 1}", "missing-key", "`max` without `min`"),
        ("{min: 3, max: 1}", "min-not-less-than-max", "4:12: parameters.x: min 3 is not less than max 1"),
        ("{min: 1, max: 1}", "min-not-less-than-max", "min 1 is not less than max 1"),
        ("{min: false, max: 1}", "bad-type", "parameters.x.min: must be a number, not false"),
        ("{min: '1e-5', max: 1}", "bad-type", 'not "1e-5"; write it without quotes'),
        ("{min: .nan, max: 1}", "not-finite", "must be finite, not nan"),
        ("{min: 0, max: .inf}", "not-finite", "must be finite, not inf"),
        ("{min: 0, max: 1e999}", "not-finite", "must be finite"),
        ("{values: []}", "no-values", "at least one"),
        ("{values: 3}", "bad-type", "must be a list"),
        (
            "{values: [1, .inf]}",
            "not-finite",
            "parameters.x.values[1]: inf has no portable notation",
        ),
        ("{value: {a: .nan}}", "not-finite", "parameters.x.value.a: nan"),
        ("{value: 1, values: [1]}", "mixed-forms", "`value` and `values` are mutually exclusive"),
        ("{values: [1], min: 1, max: 2}", "mixed-forms", "`values` and `min` are mutually exclusive"),
        ("{value: 1, max: 2}", "mixed-forms", "`value` and `max` are mutually exclusive"),
        ("{min: 1, value: 1, values: [1]}", "mixed-forms", "`value` and `min` are mutually exclusive"),
        ("{min: 1, max: 2, probabilities: [1]}", "foreign-key", "does not belong to int_uniform"),
        ("{probabilities: [1]}", "missing-key", "categorical_w_probabilities needs `values`"),
        (
            "{value: 1, distribution: uniform, min: 0, max: 1}",
            "foreign-key",
            "`value` does not belong to uniform",
        ),
        ("{distribution: constant}", "missing-key", "constant needs `value`"),
        ("{distribution: categorical}", "missing-key", "categorical needs `values`"),
        ("{distribution: uniform}", "missing-key", "uniform needs `min` and `max`"),
        (
            "{distribution: categorical, values: [1], probabilities: [1]}",
            "foreign-key",
            "write categorical_w_probabilities",
        ),
        ("{values: [1, 2], probabilities: [1]}", "bad-probability", "1 probabilities for 2 values"),
        ("{values: [1, 2], probabilities: [-0.5, 1.5]}", "bad-probability", "probabilities[0]"),
        ("{values: [1, 2], probabilities: [0.3, half]}", "bad-probability", "probabilities[1]"),
        ("{values: [1, 2], probabilities: [0.3, 0.6]}", "bad-probability", "sum to 0.9, not to 1"),
        ("{values: [1, 2], probabilities: [0.3, 0.6999]}", "bad-probability", "sum to 0.9999, not to 1"),
        ("{distribution: int_uniform, min: 1.0, max: 2}", "bad-type", "int_uniform takes integers"),
        ("{distribution: log_uniform_values, min: 0, max: 1}", "out-of-range", "greater than 0"),
        (
            "{distribution: q_uniform, min: 0, max: 1, q: 0}",
            "out-of-range",
            "x.q: must be greater than 0, not 0",
        ),
        ("{distribution: normal, sigma: -1}", "out-of-range", "x.sigma: must be at least 0, not -1"),
        ("{distribution: beta, a: 0}", "out-of-range", "x.a: must be greater than 0, not 0"),
        ("{distribution: beta, b: 0}", "out-of-range", "x.b: must be greater than 0, not 0"),
        ("{distribution: q_beta, a: 0}", "out-of-range", "x.a: must be greater than 0, not 0"),
        ("{distribution: q_log_uniform_values, min: 0, max: 1}", "out-of-range", "greater than 0"),
        ("{distribution: inv_log_uniform_values, min: -1, max: 1}", "out-of-range", "greater than 0"),
        ("{distribution: q_normal, q: -1}", "out-of-range", "x.q: must be greater than 0, not -1"),
        (
            "{distribution: q_log_normal, sigma: -0.5}",
            "out-of-range",
            "must be at least 0, not -0.5",
        ),
        (
            "{parameters: {y: {values: [1, 2], probabilities: [0.3, 0.3]}}}",
            "bad-probability",
            "parameters.x.y",
        ),
        ("{parameters: {y: {distribution: normal, q: 1}}}", "foreign-key", "parameters.x.y"),
        ("{parameters: {y: [1, 2]}}", "bare-value", "parameters.x.y"),
        ("{distribution: beta, b: 1e7}", "out-of-range", "x.b: must be at most 1,000,000"),
        ("{distribution: uniform, min: 0, max: 1, q: 1}", "foreign-key", "write `distribution: q_uniform`"),
        ("{min: 0, max: 1, q: 1}", "foreign-key", "write `distribution: q_uniform`"),
        ("{distribution: normal, min: 0}", "foreign-key", "`min` does not belong to normal"),
        ("{distribution: normal, step: 0}", "unknown-key", 'unknown key "step"'),
        ("{distribution: unifrm, min: 0, max: 1}", "unknown-value", "did you mean `uniform`?"),
        ("{mu: 3}", "missing-key", "needs `distribution`"),
        ("{y: 3}", "not-a-form", "does not define its values"),
        ("{when: 'y > 1'}", "not-a-form", "does not define its values"),
        ("{vales: [1]}", "unknown-key", "did you mean `values`?"),
        ("{Min: 1, max: 2}", "unknown-key", "did you mean `min`?"),
        ("{min: 1, max: 2, sgima: 3}", "unknown-key", "did you mean `sigma`?"),
        ("{min: 1, max: 9, step: 2}", "unknown-key", "did you mean `q`?"),
        ("{choices: [1]}", "unknown-key", "did you mean `values`?"),
        ("{distribution: choice, values: [1]}", "unknown-value", "did you mean `categorical`?"),
        ("{distribution: loguniform, min: 1, max: 2}", "unknown-value", "did you mean `log_uniform_values`?"),
        ("{y: {min: 1, max: 2}, z: 3}", "not-a-form", "under a key `parameters`"),
        ("{paramters: {y: {value: 1}}}", "unknown-key", "4:7: parameters.x.paramters: unknown key"),
        ("{paramters: {y: {value: 1}}}", "unknown-key", "did you mean `parameters`?"),
        ("{parameters: {}}", "no-parameters", "at least one"),
        ("{parameters: 3}", "bad-type", "must be a mapping"),
        ("{parameters: {y: {value: 1}}, value: 3}", "mixed-forms", "a group has the keys"),
        ("{parameters: {y: {min: 3, max: 1}}}", "min-not-less-than-max", "parameters.x.y: min 3"),
        ("{parameters: {y: {parameters: {z: {values: []}}}}}", "no-values", "parameters.x.y.z.values"),
        ("{parameters: {1y: {value: 1}}}", "bad-name", "did you mean `_1y`?"),
        ("{when: true, value: 3}", "bad-type", "4:13: parameters.x.when: must be text, not true; quote it"),
        ("{distribution: uniform, min: -1e308, max: 1e308}", "out-of-range", "infinite"),
        ("{distribution: log_uniform, min: 0, max: 1000}", "out-of-range", "floating point"),
        ("{distribution: log_normal, mu: 700, sigma: 100}", "out-of-range", "floating point"),
        ("{distribution: q_uniform, min: 0, max: 1e300, q: 1}", "out-of-range", "64 bits"),
        ("{distribution: q_uniform, min: 0, max: 1e10, q: 1e-10}", "out-of-range", "too many multiples"),
        (
            "{distribution: uniform, min: 4611686018427387904, max: 4611686018427387905}",
            "out-of-range",
            "close",
        ),
        ("{min: -9223372036854775808, max: 9223372036854775807}", "out-of-range", "integers"),
    ],
)
def test_a_wrong_parameter_is_refused(entry: str, code: str, message: str) -> None:
    node, diagnostics = parsed(entry)
    assert node is None
    errors = [finding for finding in diagnostics if finding.severity == "error"]
    assert (code, True) in [(finding.code, message in str(finding)) for finding in errors]


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("1a", "_1a"),
        ("a b", "a_b"),
        ("é", "e"),
        ("größe", "gro_e"),
        ("a:b", "a_b"),
        ("a[0]", "a_0_"),
        ("-a", "_-a"),
        ("", None),
        ("☃", None),
    ],
)
def test_a_bad_name_is_refused_with_the_nearest_legal_one(name: str, legal: str | None) -> None:
    text = f"method: random\nparameters: {{{name!r}: {{value: 1}}}}"
    (error,) = [d for d in parse_text(text.encode(), file="s").diagnostics if d.severity == "error"]
    assert error.code == "bad-name"
    assert error.suggestion == legal


@pytest.mark.parametrize("name", ["_a", "model.optimizer.lr", "a-b"])
def test_names_with_dots_and_hyphens_are_not_groups(name: str) -> None:
    result = parse_text(
        f"method: random\nprogram: t\nparameters: {{{name}: {{min: 0, max: 1}}}}".encode(), file="s"
    )
    assert result.spec is not None
    assert result.diagnostics == ()
    assert list(result.spec.search_space.random_point(1, 1)) == [name]


def test_a_list_as_a_constant_causes_a_warning() -> None:
    node, (warning,) = parsed("{value: [a, b]}")
    assert isinstance(node, Parameter)
    assert (warning.severity, warning.suggestion) == ("warning", "values")


def test_a_slash_in_a_name_causes_a_warning() -> None:
    result = parse_text(b"method: random\nprogram: t\nparameters: {a/b: {value: 1}}", file="s")
    assert result.spec is not None
    assert [finding.code for finding in result.diagnostics] == ["slash-in-name"]


def test_equal_names_in_different_groups_are_separate_dimensions() -> None:
    text = (
        "method: random\nprogram: t\nparameters:\n  lr: {min: 0, max: 1}\n"
        "  a: {parameters: {lr: {min: 0.0, max: 1}, b: {parameters: {lr: {distribution: q_normal}}}}}\n"
    )
    spec = parse_text(text.encode(), file="s").spec
    assert spec is not None
    assert [each.path for each in spec.search_space.dimensions] == [("a", "b", "lr"), ("a", "lr"), ("lr",)]
    drawn = spec.search_space.random_point(3, 0)
    assert isinstance(drawn["a"], dict)
    assert isinstance(drawn["a"]["b"], dict)
    numbers = [drawn["lr"], drawn["a"]["lr"], drawn["a"]["b"]["lr"]]
    assert [type(number) for number in numbers] == [int, float, float]


def test_groups_nest_and_keep_their_order() -> None:
    node, _ = parsed("{parameters: {b: {value: 1}, a: {parameters: {c: {values: [1, 2]}}}}}")
    assert isinstance(node, Group)
    assert list(node.parameters) == ["b", "a"]
    assert isinstance(node.parameters["a"], Group)


@pytest.mark.parametrize(
    ("entry", "loud"),
    [
        ("{distribution: log_uniform, min: 0.00001, max: 0.1}", True),
        ("{distribution: q_log_uniform, min: 0.1, max: 1}", True),
        ("{distribution: inv_log_uniform, min: 1, max: 100}", True),
        ("{distribution: log_uniform, min: -3, max: 0}", False),
        ("{distribution: log_uniform, min: 0.5, max: 1}", True),
        ("{distribution: log_uniform, min: 0.5, max: 1.5}", False),
    ],
)
def test_exponents_cause_a_warning_stressed_for_those_that_look_like_bounds(entry: str, loud: bool) -> None:
    node, (warning,) = parsed(entry)
    assert node is not None
    assert warning.severity == "warning"
    assert warning.suggestion is not None
    assert warning.suggestion.endswith("_values")
    assert ("look like values, not exponents" in warning.message) is loud


def test_the_stressed_warning_shows_the_range_that_would_be_drawn() -> None:
    _, (warning,) = parsed("{distribution: log_uniform, min: 0.00001, max: 0.1}")
    assert "1.00001 to 1.10517" in warning.message
