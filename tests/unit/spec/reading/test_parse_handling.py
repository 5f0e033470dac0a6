"""Keys other than the search space: sections 2, 7 and 19 of the language."""

import pytest

from sweepd.spec.limits import MAX_EXPRESSION_LENGTH
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.parse import Parsed, parse_text
from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, Threshold
from sweepd.spec.sweep_spec import Aggregate, Compat, Guard, MetricsFrom, ObjectiveValue, Retry, SweepSpec
from unit.spec.key_names import KEYS, LATER_KEYS

HEAD = "program: t.py\nmetric: {name: loss}\nparameters: {a: {values: [1, 2]}}\n"


METADATA = {"a": [1, 1.0, {"b": None}], "x y": True}


def parsed(text: str, method: str = "grid") -> Parsed:
    return parse_text(f"method: {method}\n{HEAD}{text}\n".encode(), file="s.yaml")


def spec(text: str, method: str = "grid") -> SweepSpec:
    result = parsed(text, method)
    assert result.spec is not None, result.diagnostics
    return result.spec


def refusal(text: str, method: str = "grid") -> str:
    result = parsed(text, method)
    assert result.spec is None
    return "\n".join(str(finding) for finding in result.refusals)


def test_omitted_keys_have_their_defaults() -> None:
    """Section 19: retry 3 and 0, guard 5 and none, one run per point."""
    default = spec("")
    assert (default.repeats, default.aggregate) == (1, Aggregate.MEAN)
    assert (default.retry, default.guard) == (Retry(infrastructure=3, failure=0), Guard(agent=5, sweep=None))
    assert (default.canary, default.shuffle, default.sweep_timeout) == (False, False, None)
    assert (default.constraints, default.zips, default.initial, default.runs) == ((), (), (), ())
    assert (default.requires, default.tags, default.metadata) == ({}, (), {})
    assert default.metric is not None
    assert default.metric.value is ObjectiveValue.BEST


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("repeats: 1000", "repeats", 1000),
        ("repeats: 3.0", "repeats", 3),
        ("retry: {}", "retry", Retry()),
        ("retry: {failure: 100}", "retry", Retry(infrastructure=3, failure=100)),
        ("retry: {infrastructure: 0}", "retry", Retry(infrastructure=0, failure=0)),
        ("guard: {agent: 1000}", "guard", Guard(agent=1000)),
        ("guard: {sweep: 1}", "guard", Guard(agent=5, sweep=1.0)),
        ("guard: {sweep: 1e-3}", "guard", Guard(agent=5, sweep=0.001)),
        ("canary: true", "canary", True),
        ("canary: false", "canary", False),
        ("shuffle: true", "shuffle", True),
        ("sweep_timeout: 90s", "sweep_timeout", 90.0),
        ("sweep_timeout: 1h30m", "sweep_timeout", 5400.0),
        ("sweep_timeout: 1.5h", "sweep_timeout", 5400.0),
        ("sweep_timeout: 250ms", "sweep_timeout", 0.25),
        ("sweep_timeout: 3650d", "sweep_timeout", 3650 * 86_400.0),
        ("requires: {gpu: a100, 'größe': 'sehr groß'}", "requires", {"gpu": "a100", "größe": "sehr groß"}),
        ("tags: [a, b c, ☃]", "tags", ("a", "b c", "☃")),
        ("tags: []", "tags", ()),
        ("metadata: {a: [1, 1.0, {b: null}], 'x y': true}", "metadata", METADATA),
        ("compat: wandb", "compat", Compat.WANDB),
        (
            "metrics_from: {stdout: 'loss=(?P<loss>.+)', file: a.csv}",
            "metrics_from",
            MetricsFrom(stdout="loss=(?P<loss>.+)", file="a.csv"),
        ),
        ("metrics_from: {tensorboard: runs}", "metrics_from", MetricsFrom(tensorboard="runs")),
        ("run_cap: 20.0", "run_cap", 20),
        ("seed: -9223372036854775808", "seed", -(2**63)),
        ("command: []", "command", ()),
        ("name: ''", "name", None),
        ("name: \"a\\nb ☃\"", "name", "a\nb ☃"),
        ("early_terminate: null", "early_terminate", ()),
        ("controller: {type: cloud}", "repeats", 1),
    ],
)  # fmt: skip
def test_a_key_is_read_as(text: str, field: str, value: object) -> None:
    read = getattr(spec(text), field)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("repeats: 0", "grid"),
        ("repeats: 1001", "grid"),
        ("retry: {failure: 101}", "grid"),
        ("guard: {agent: 1001}", "grid"),
        ("guard: {sweep: 0}", "grid"),
        ("guard: {sweep: 1.01}", "grid"),
        ("sweep_timeout: 0s", "grid"),
        ("sweep_timeout: 0.4ms", "grid"),
        ("sweep_timeout: 3651d", "grid"),
        ("sweep_timeout: 90", "grid"),
        ("sweep_timeout: '90'", "grid"),
        ("sweep_timeout: -3s", "grid"),
        ("sweep_timeout: " + "9" * 400 + "d", "grid"),
        ("run_cap: 0", "grid"),
        ("run_cap: 9223372036854775807.0", "grid"),
        (f"tags: [{', '.join(f't{n}' for n in range(65))}]", "grid"),
        (f"tags: [{'x' * 129}]", "grid"),
        (f"requires: {{{', '.join(f'l{n}: x' for n in range(65))}}}", "grid"),
        (f"requires: {{gpu: {'x' * 129}}}", "grid"),
        (f"metadata: {{a: {'x' * 65_530}}}", "grid"),
        ("shuffle: true", "random"),
        ("shuffle: true", "sobol"),
        ("runs: [{a: 1}]", "bayes"),
        ("initial: [{a: 1}]\nruns: [{a: 1}]", "list"),
        ("runs: []", "list"),
        ("aggregate: mean", "grid"),
        ("compat: mlflow", "grid"),
        ("metrics_from: {}", "grid"),
        ("metrics_from: {stdout: x}", "grid"),
        ("metrics_from: {stdout: '(?P<loss>'}", "grid"),
        ("metrics_from: {stdout: ''}", "grid"),
        ("metrics_from: {file: ''}", "grid"),
        ("metrics_from: {stdot: '(?P<loss>.)'}", "grid"),
    ],
)
def test_values_out_of_range_or_without_meaning_are_refused(text: str, method: str) -> None:
    assert refusal(text, method)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run_cap: 0", "must be at least 1, not 0"),
        ("run_cap: 1e30", "must be within 64 bits, not 1e+30"),
        ("seed: -1e30", "must be within 64 bits, not -1e+30"),
        ("repeats: 1001", "must be from 1 to 1000, not 1001"),
    ],
)
def test_the_message_names_the_violated_bound(text: str, words: str) -> None:
    assert words in refusal(text)


@pytest.mark.parametrize("false", [".nan", "-.inf"])
def test_metadata_outside_json_is_refused(false: str) -> None:
    assert "metadata.a[0]" in refusal(f"metadata: {{a: [{false}]}}")


def test_rules_of_early_termination_are_one_mapping_or_a_list() -> None:
    """Section 19: their keys and defaults."""
    rules = """early_terminate:
    - {type: asha, min_iter: 3}
    - {type: asha, min_iter: 3, eta: 2.5, max_iter: 4}
    - {type: median, min_iter: 2}
    - {type: median, min_iter: 2, interval: 3, min_runs: 1}
    - {type: patience, iterations: 5}
    - {type: patience, iterations: 5, min_delta: 0.1}
    - {type: threshold, at: 1, value: -3}
    - {type: hyperband, max_iter: 27, s: 2}
    """
    assert spec(rules).early_terminate == (
        Asha(min_iter=3, eta=3, max_iter=None),
        Asha(min_iter=3, eta=2.5, max_iter=4),
        Median(min_iter=2, interval=1, min_runs=5),
        Median(min_iter=2, interval=3, min_runs=1),
        Patience(iterations=5, min_delta=0),
        Patience(iterations=5, min_delta=0.1),
        Threshold(at=1, value=-3),
        Hyperband(max_iter=27, s=2, eta=3, strict=True),
    )
    assert spec("early_terminate: {type: threshold, at: 1, value: 2.5}").early_terminate == (
        Threshold(at=1, value=2.5),
    )
    sixteen = "early_terminate: [" + ", ".join(["{type: patience, iterations: 1}"] * 16) + "]"
    assert len(spec(sixteen).early_terminate) == 16
    assert "1 to 16 rules, not 17" in refusal(sixteen[:-1] + ", {type: patience, iterations: 1}]")


@pytest.mark.parametrize("value", ["best", "last", "mean"])
def test_the_objective_of_a_run_is_read(value: str) -> None:
    text = f"method: random\nparameters: {{a: {{value: 1}}}}\nmetric: {{name: m, value: {value}}}"
    read = parse_text(text.encode(), file="s").spec
    assert read is not None
    assert read.metric is not None
    assert read.metric.value == value


@pytest.mark.parametrize("aggregate", list(Aggregate))
def test_the_aggregate_of_repeats_is_read(aggregate: Aggregate) -> None:
    assert spec(f"repeats: 2\naggregate: {aggregate}").aggregate is aggregate


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_read(method: str) -> None:
    assert spec("runs: [{a: 1}]" if method == "list" else "", method).method is METHODS[method]


LATER = {
    "metrics": "[{name: a}, {name: b, goal: maximize, target: 3}]",
    "scheduler": "{engine: tpe}",
    "reproducible": "3",
    "outcome_constraints": "['memory < 3']",
    "run_timeout": "90s",
    "max_parallel": "3",
    "priority": "-1",
    "stop_when": "{no_improvement: 3}",
    "on_disconnect": "stop",
}


def test_every_unsupported_key_has_its_case() -> None:
    assert LATER.keys() == set(LATER_KEYS)


@pytest.mark.parametrize("key", LATER)
def test_an_unsupported_key_is_checked_and_refused(key: str) -> None:
    """Its form is already checked, and a file that has it is refused."""
    head = HEAD.replace("metric: {name: loss}\n", "") if key == "metrics" else HEAD
    result = parse_text(f"method: grid\n{head}{key}: {LATER[key]}\n".encode(), file="s")
    assert [(found.severity, found.code) for found in result.diagnostics] == [
        ("warning", "not-supported-yet")
    ]
    assert (result.spec, result.unsupported) == (None, (key,))
    assert result.refusals == result.diagnostics
    wrong = parse_text(f"method: grid\n{head}{key}: {{wrong: [1]}}\n".encode(), file="s")
    assert {found.severity for found in wrong.diagnostics} == {"error"}


@pytest.mark.parametrize(
    ("length", "code", "path"),
    [
        (MAX_EXPRESSION_LENGTH, "not-supported-yet", "outcome_constraints"),
        (MAX_EXPRESSION_LENGTH + 1, "bad-expression", "outcome_constraints[0]"),
    ],
)
def test_an_outcome_constraint_ends_at_the_limit_of_expressions(length: int, code: str, path: str) -> None:
    (found,) = parsed(f"outcome_constraints: ['{'memory < 3'.ljust(length)}']").diagnostics
    assert (found.code, found.path) == (code, path)


@pytest.mark.parametrize("engine", ["gp", "tpe", "skopt", "optuna", "{address: 'localhost:80'}", "wandb"])
def test_the_known_engines_are_accepted(engine: str) -> None:
    result = parsed(f"scheduler: {{engine: {engine}}}", "bayes")
    assert [found.code for found in result.diagnostics] == ["not-supported-yet"]


@pytest.mark.parametrize("engine", ["optuna", "ax"])
def test_a_custom_method_needs_an_engine_with_its_own_space(engine: str) -> None:
    """Section 2: `parameters` may be left out where `scheduler.search_space` is set."""
    text = f"method: custom\nprogram: t\nscheduler: {{engine: {engine}, source: s.py, search_space: space}}\n"
    result = parse_text(text.encode(), file="s")
    assert [found.code for found in result.diagnostics] == ["not-supported-yet"] * 2
    assert result.unsupported == ("scheduler", "method: custom")


@pytest.mark.parametrize("key", sorted({*KEYS, *LATER_KEYS}))
def test_a_misspelt_key_suggests_the_key(key: str) -> None:
    for wrong in (f"{key}s", key[:-1] + "x" if len(key) > 3 else f"{key}_", key.upper() + "_"):
        if wrong in (*KEYS, *LATER_KEYS):
            continue
        (finding,) = [found for found in parsed(f"{wrong}: 1").diagnostics if found.code == "unknown-key"]
        assert finding.suggestion is not None
        if not wrong.endswith("x"):
            assert finding.suggestion.rstrip("s") == key.rstrip("s")


@pytest.mark.parametrize("written", ["false", "'false'", '"false"'])
def test_the_word_false_may_be_written_without_quotes(written: str) -> None:
    """Section 5: an unquoted `impute_while_running: false` is the same as the text."""
    metric = f"metric: {{name: m, impute_while_running: {written}}}"
    text = f"method: bayes\nprogram: t\nparameters: {{a: {{min: 0, max: 9}}}}\n{metric}\n"
    result = parse_text(text.encode(), file="s")
    assert not result.diagnostics
    assert result.spec is not None
    assert result.spec.metric is not None
    assert result.spec.metric.impute_while_running is None


@pytest.mark.parametrize(
    ("text", "method", "message"),
    [
        ("run_cap: 6\nrepeats: 3", "grid", ""),
        ("run_cap: 7\nrepeats: 3", "grid", "7 is not a multiple of 3 repeats"),
        ("run_cap: 1000\nrepeats: 3", "grid", "1000 is not a multiple of 3 repeats"),
        ("run_cap: 4\nrepeats: 2\ninitial: [{a: 1}, {a: 2}]", "random", ""),
        (
            "run_cap: 2\nrepeats: 2\ninitial: [{a: 1}, {a: 2}]",
            "random",
            "2 runs are fewer than the 4 that `initial` asks for",
        ),
        ("repeats: 1\naggregate: mean", "grid", "has no effect on points of one run"),
        ("repeats: 2\naggregate: mean", "grid", ""),
    ],
)
def test_caps_repeats_and_listed_points_that_do_not_fit_cause_a_warning(
    text: str, method: str, message: str
) -> None:
    warnings = [each.message for each in parsed(text, method).diagnostics]
    assert spec(text, method).search_space is not None
    assert [message in each for each in warnings] == ([True] if message else [])
