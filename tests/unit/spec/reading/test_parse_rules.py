"""Rules of the language that no other test covers, by section."""

import pytest

from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Group, Parameter
from sweepd.spec.sweep_spec import SweepSpec

SPACE = "parameters: {x: {values: [1, 2]}}\n"
KEYS_OF = {
    "normal": "",
    "q_normal": "",
    "log_normal": "",
    "q_log_normal": "",
    "beta": "",
    "q_beta": "",
    "constant": "value: 3",
    "categorical": "values: [1, 2]",
    "categorical_w_probabilities": "values: [1, 2], probabilities: [0.5, 0.5]",
}
GRIDS = {"constant", "categorical", "int_uniform", "q_uniform"}
FINITE_KEYS = [
    ("normal", "mu"),
    ("normal", "sigma"),
    ("q_normal", "q"),
    ("beta", "a"),
    ("beta", "b"),
]


def parsed(text: str) -> tuple[SweepSpec | None, list[str]]:
    result = parse_text(text.encode(), file="s")
    refused = [f"{found.path}: {found.message}" for found in result.refusals]
    assert bool(refused) is (result.spec is None)
    return result.spec, refused


def with_parameter(entry: str, method: str = "random") -> tuple[SweepSpec | None, list[str]]:
    return parsed(f"method: {method}\nprogram: t\nparameters:\n  x: {entry}\n")


def test_section_1_the_message_of_the_example_is_exact() -> None:
    _, refused = parsed("method: random\nparameters: {opt: {parameters: {lr: {min: 3, max: 1}}}}\n")
    assert refused == ["parameters.opt.lr: min 3 is not less than max 1"]


def test_section_1_unquoted_exponents_are_numbers_and_quoted_ones_text_in_lists_too() -> None:
    spec, _ = with_parameter("{values: [1e-5, 1E5, 5e-06, '1e-5', \"007\", '08']}")
    assert spec is not None
    (dimension,) = spec.search_space.dimensions
    assert repr(dimension.distribution.support) == "(1e-05, 100000.0, 5e-06, '1e-5', '007', '08')"


@pytest.mark.parametrize("false", ["true", "false", "yes", "off"])
@pytest.mark.parametrize(
    "text",
    [
        "run_cap: {0}",
        "seed: {0}",
        "repeats: {0}",
        "metric: {{name: a, target: {0}}}",
        "retry: {{failure: {0}}}",
        "guard: {{sweep: {0}}}",
        "metric: {{name: a}}\nearly_terminate: {{type: hyperband, min_iter: {0}}}",
        "metric: {{name: a}}\nearly_terminate: {{type: hyperband, min_iter: 1, eta: {0}}}",
    ],
)
def test_section_1_booleans_are_never_numbers(text: str, false: str) -> None:
    _, refused = parsed(f"method: random\n{SPACE}{text.format(false)}\n")
    assert [message.partition(", not ")[0].partition(": ")[2] for message in refused] == ["must be a number"]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "1e999"])
@pytest.mark.parametrize(("distribution", "key"), FINITE_KEYS)
def test_section_1_no_key_of_a_distribution_may_be_infinite(distribution: str, key: str, number: str) -> None:
    _, (refused,) = with_parameter(f"{{distribution: {distribution}, {key}: {number}}}")
    assert refused.startswith(f"parameters.x.{key}: must be finite")


def test_section_1_any_text_is_legal_in_names_programs_and_values() -> None:
    text = (
        'method: grid\nname: "größe ☃\\n2"\nprogram: "größe\\n ☃ .py"\n'
        'parameters: {x: {values: ["a b", "\\n", "größe ☃", " "]}}\n'
    )
    spec, _ = parsed(text)
    assert spec is not None
    assert (spec.name, spec.program) == ("größe ☃\n2", "größe\n ☃ .py")
    points = [spec.search_space.grid.at(place) for place in range(4)]
    assert [point["x"] for point in points if point is not None] == ["a b", "\n", "größe ☃", " "]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scheduler: {engine: gp, search_space: s}", "scheduler.search_space: `search_space` needs `source`"),
        ("scheduler: {engine: gp, optimizer: o}", "scheduler.optimizer: `optimizer` needs `source`"),
        ("scheduler: {}", "scheduler: needs `engine`"),
        ("scheduler: {engine: ax}", "scheduler.engine: the engine ax needs `method: custom`"),
        (
            "controller: {type: local}\nscheduler: {engine: wandb}",
            "scheduler.engine: `controller: {type: local}` cannot be used with the engine wandb",
        ),
        ("controller: {}", "controller: needs `type`"),
        ("controller: local", "controller: must be a mapping"),
        ("run_cap: '20'", "run_cap: must be a number"),
        ("run_cap: 19.5", "run_cap: must be an integer, not 19.5"),
        ("metric: {name: a, target: '3'}", "metric.target: must be a number"),
        ("metric: {name: 3}", "metric.name: must be text"),
    ],
)
def test_section_2_dependencies_of_top_level_keys(text: str, message: str) -> None:
    _, refused = parsed(f"method: random\nprogram: t\n{SPACE}{text}\n")
    assert any(one.startswith(message) for one in refused), refused


@pytest.mark.parametrize("engine", ["wandb", "gp", "tpe", "skopt"])
def test_section_2_a_custom_method_needs_an_engine_that_supports_it(engine: str) -> None:
    _, refused = parsed(f"method: custom\nprogram: t\n{SPACE}scheduler: {{engine: {engine}}}\n")
    assert f"scheduler.engine: the engine {engine} cannot be used with `method: custom`" in refused


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("{min: 1, max: 3}", "int_uniform"),
        ("{min: 1.0, max: 3.0}", "uniform"),
        ("{min: 1.0, max: 3}", "uniform"),
        ("{min: 1, max: 3.5}", "uniform"),
        ("{min: -3, max: -1}", "int_uniform"),
        ("{distribution: uniform, min: 1, max: 3}", "uniform"),
    ],
)
def test_section_3_bounds_without_a_distribution(entry: str, name: str) -> None:
    spec, _ = with_parameter(entry)
    assert spec is not None
    node = spec.parameters["x"]
    assert isinstance(node, Parameter)
    assert node.distribution.name == name


@pytest.mark.parametrize("name", ["log_uniform_values", "q_log_uniform_values", "inv_log_uniform_values"])
@pytest.mark.parametrize("low", ["0", "0.0", "-1"])
def test_section_3_logarithms_start_above_zero(name: str, low: str) -> None:
    _, refused = with_parameter(f"{{distribution: {name}, min: {low}, max: 9}}")
    assert refused == [f"parameters.x.min: min must be greater than 0 for {name}"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{min: [1], max: 2}", "parameters.x.min: must be a number, not a list"),
        ("{min: {a: 1}, max: 2}", "parameters.x.min: must be a number, not a mapping"),
        ("{min: null, max: 2}", "parameters.x.min: must be a number, not null"),
        ("{values: abc}", 'parameters.x.values: must be a list, not "abc"'),
        ("{values: {a: 1}}", "parameters.x.values: must be a list, not a mapping"),
        ("{values: [1, 2], probabilities: [true, false]}", "parameters.x.probabilities[0]: a probability is"),
        (
            "{parameters: {y: {values: [1, 2], probabilities: [0.5, 0.4]}}}",
            "parameters.x.y.probabilities: the probabilities sum to 0.9, not to 1",
        ),
        (
            "{parameters: {y: {parameters: {z: {min: 1, max: 1}}}}}",
            "parameters.x.y.z: min 1 is not less than max 1",
        ),
        ("{distribution: q_beta, q: -1}", "parameters.x.q: must be greater than 0, not -1"),
        ("{distribution: q_log_uniform, min: 0, max: 1, q: 0.0}", "parameters.x.q: must be greater than 0"),
        ("{distribution: log_normal, sigma: -0.1}", "parameters.x.sigma: must be at least 0, not -0.1"),
        ("{distribution: beta, a: -1}", "parameters.x.a: must be greater than 0, not -1"),
    ],
)
def test_section_3_a_wrong_parameter_is_refused(entry: str, message: str) -> None:
    _, refused = with_parameter(entry)
    assert len([one for one in refused if one.startswith(message)]) == 1, refused


def test_section_3_groups_may_have_only_constants_and_share_member_names() -> None:
    spec, _ = parsed(
        "method: grid\nprogram: t\nparameters:\n"
        "  a: {parameters: {lr: {value: 1}}}\n"
        "  b: {parameters: {lr: {value: 2}, c: {parameters: {lr: {value: 3}}}}}\n"
    )
    assert spec is not None
    assert isinstance(spec.parameters["b"], Group)
    assert spec.search_space.grid.at(0) == {"a": {"lr": 1}, "b": {"lr": 2, "c": {"lr": 3}}}


@pytest.mark.parametrize("name", DISTRIBUTION_KEYS)
def test_section_6_a_grid_refuses_distributions_that_it_cannot_enumerate(name: str) -> None:
    keys = KEYS_OF.get(name, "min: 1, max: 3")
    spec, refused = with_parameter(f"{{distribution: {name}{', ' * bool(keys)}{keys}}}", "grid")
    assert (spec is not None) is (name in GRIDS), refused
    if name not in GRIDS:
        assert refused == [
            f"parameters.x: a grid cannot enumerate {name}; list its `values`, or use q_uniform"
        ]


@pytest.mark.parametrize("rule", ["{type: hyperband, min_iter: 1}", "[{type: asha, min_iter: 1}]"])
def test_section_7_early_termination_needs_a_metric(rule: str) -> None:
    _, refused = parsed(f"method: random\nprogram: t\n{SPACE}early_terminate: {rule}\n")
    assert refused == ["early_terminate: early termination needs a `metric` to judge by"]
    spec, _ = parsed(f"method: random\nprogram: t\n{SPACE}early_terminate: null\n")
    assert spec is not None


@pytest.mark.parametrize("command", ["", "command: []\n"])
def test_section_9_an_empty_or_missing_command_is_the_default_one(command: str) -> None:
    spec, _ = parsed(f"method: random\nprogram: t\n{SPACE}{command}")
    assert spec is not None
    assert spec.command == ()


@pytest.mark.parametrize("command", ["''", "python t.py", "{a: b}", "null"])
def test_section_9_a_command_is_a_list(command: str) -> None:
    _, refused = parsed(f"method: random\nprogram: t\n{SPACE}command: {command}\n")
    assert refused == ["command: must be a list with one item per argument; no shell is involved"]


@pytest.mark.parametrize(
    ("method", "text", "message"),
    [
        (
            "grid",
            "constraints: ['x > 1']\ninitial: [{x: 1}]",
            "initial[0]: the constraint `x > 1` does not hold",
        ),
        (
            "random",
            "constraints: ['x > 1']\ninitial: [{x: 1}]",
            "initial[0]: the constraint `x > 1` does not hold",
        ),
        (
            "list",
            "constraints: ['x > 1']\nruns: [{x: 2}, {x: 1}]",
            "runs[1]: the constraint `x > 1` does not hold",
        ),
        ("list", "runs: [{x: 3}]", "runs[0].x: 3 is none of 1, 2"),
        ("list", "runs: [{}]", "runs[0]: x is missing"),
        ("grid", "constraints: ['x > 2']", "constraints: no point of the grid satisfies them"),
        ("sobol", "constraints: ['x > 2']", "constraints: none of 10,000 random points satisfies them"),
        ("grid", "zip: [[x, y]]", "zip[0]: there is no parameter `y`"),
        ("random", "shuffle: true", "shuffle: is only for `method: grid`"),
        ("random", "runs: [{x: 1}]", "runs: is only for `method: list`"),
        ("random", "canary: true", "canary: canary needs a `metric`"),
        ("random", "repeats: 3\naggregate: mean", "aggregate: aggregate needs a `metric`"),
        ("random", "sweep_timeout: 90", "sweep_timeout: must be a duration such as 90s or 1h30m"),
    ],
)
def test_section_19_a_sweep_that_could_not_run_is_refused(method: str, text: str, message: str) -> None:
    _, refused = parsed(f"method: {method}\nprogram: t\n{SPACE}{text}\n")
    assert any(one.startswith(message) for one in refused), refused
