"""Top-level keys of a sweep: their meaning, refused values, and messages."""

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from sweepd.cli.output.yaml_text import yaml_text
from sweepd.codec.spec import spec_from_message, spec_message
from sweepd.spec.finding import unreadable_file
from sweepd.spec.keys.sweep import to_document
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.parse import parse_mapping, parse_text
from sweepd.spec.stop_rules import Hyperband
from sweepd.spec.sweep_spec import Goal, Impute, Metric, SweepSpec
from unit.spec.key_names import KEYS, WITHOUT_EFFECT
from unit.spec.strategies import any_sweeps

PARAMETERS = "parameters: {x: {min: 0.0, max: 1.0}}\n"
METRIC = "metric: {name: loss}\n"
COMPLETE = b"""\
method: bayes
name: Gr\xc3\xb6\xc3\x9fe 1
description: ''
project: mnist
entity: acme
program: train me.py
command: [python3, -u, 3, true, 1.5, "${program}", "${args}"]
metric: {name: val/loss, goal: maximize, target: 3, impute: latest, impute_while_running: best}
parameters: {lr: {distribution: log_uniform_values, min: 1e-5, max: 1E-1}, epochs: {value: 3}}
early_terminate: {type: hyperband, min_iter: 3, eta: 2, strict: false}
run_cap: 20.0
seed: -4
apiVersion: v1
kind: sweep
job: j
image_uri: i
"""


def errors(text: str) -> list[str]:
    result = parse_text(text.encode(), file="s.yaml")
    found = [str(finding) for finding in result.diagnostics if finding.severity == "error"]
    assert bool(found) is (result.spec is None)
    return found


def test_a_complete_file_is_read() -> None:
    result = parse_text(COMPLETE, file="s.yaml")
    spec = result.spec
    assert spec is not None
    assert result.diagnostics == ()
    assert (spec.method, spec.name, spec.description) == (METHODS["bayes"], "Größe 1", "")
    assert (spec.project, spec.entity, spec.program) == ("mnist", "acme", "train me.py")
    assert spec.command == ("python3", "-u", "3", "True", "1.5", "${program}", "${args}")
    assert spec.metric == Metric(
        name="val/loss",
        goal=Goal.MAXIMIZE,
        target=3.0,
        impute=Impute.LATEST,
        impute_while_running=Impute.BEST,
    )
    assert spec.early_terminate == (Hyperband(min_iter=3, eta=2, strict=False),)
    assert (spec.run_cap, spec.seed) == (20, -4)
    assert list(spec.parameters) == ["lr", "epochs"]


def test_defaults_are_filled_in() -> None:
    result = parse_text(
        f"method: random\nprogram: t\n{PARAMETERS}{METRIC}early_terminate: null".encode(), file="s"
    )
    spec = result.spec
    assert spec is not None
    assert spec.metric == Metric(name="loss", goal=Goal.MINIMIZE, impute=Impute.WORST)
    assert (spec.early_terminate, spec.run_cap, spec.seed, spec.command) == ((), None, None, ())
    text = f"method: random\n{PARAMETERS}{METRIC}early_terminate: {{type: hyperband, max_iter: 27, s: 2}}"
    rule = parse_text(text.encode(), file="s").spec
    assert rule is not None
    assert rule.early_terminate == (Hyperband(max_iter=27, s=2, eta=3, strict=True),)


def test_a_sweep_too_large_after_expanding_aliases_is_refused() -> None:
    """A file of half a megabyte may expand to any size."""
    found = errors("method: list\nruns:\n- &p {a: " + "x" * 500_000 + "}\n" + "- *p\n" * 6)
    assert found[0].endswith(
        "the sweep has 3,500,105 bytes with its aliases expanded; at most 3,300,000 are allowed"
    )


@pytest.mark.parametrize("word", ["false", '"false"'])
def test_false_for_impute_while_running_may_be_quoted_or_not(word: str) -> None:
    text = f"method: random\n{PARAMETERS}metric: {{name: a, impute_while_running: {word}}}"
    spec = parse_text(text.encode(), file="s").spec
    assert spec is not None
    assert spec.metric is not None
    assert spec.metric.impute_while_running is None


GRID = "method: grid\nparameters: {a: {values: [1, 2]}}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PARAMETERS, "s.yaml:1:1: needs `method`: grid, random, bayes, list or sobol"),
        ("method: grid\n", "s.yaml:1:1: needs `parameters`"),
        ("method: grid\nparameters: {}\n", "2:13: parameters: at least one parameter is needed"),
        ("method: grid\nparameters: [a]\n", "parameters: must be a mapping"),
        (GRID + "metod: x\n", '3:1: metod: unknown key "metod" in a sweep file; did you mean `method`?'),
        (GRID + "settings: {}\n", 'unknown key "settings"'),
        (
            "method: Grid\n" + PARAMETERS,
            '1:9: method: "Grid" is none of grid, random, bayes, list, sobol; did you mean `grid`?',
        ),
        ("method: 3\n" + PARAMETERS, "method: 3 is none of grid"),
        ("method: grid\n" + PARAMETERS, "parameters.x: a grid cannot enumerate uniform"),
        (
            "method: grid\nparameters: {g: {parameters: {x: {values: [1], probabilities: [1]}}}}",
            "2:31: parameters.g.x: a grid cannot enumerate categorical_w_probabilities",
        ),
        ("method: bayes\n" + PARAMETERS, "method: bayes needs a `metric`"),
        (
            "method: bayes\nparameters: {a: {value: 1}}\n" + METRIC,
            "bayes needs a parameter that is not constant",
        ),
        (GRID + "early_terminate: {type: hyperband, min_iter: 1}\n", "early termination needs a `metric`"),
        (
            GRID + METRIC + "early_terminate: {min_iter: 1}\n",
            "needs `type`: hyperband, asha, median, patience or threshold",
        ),
        (GRID + METRIC + "early_terminate: {type: hyperbnd}\n", "did you mean `hyperband`?"),
        (GRID + METRIC + "early_terminate: 3\n", "must be a mapping"),
        (GRID + METRIC + "early_terminate: {type: hyperband}\n", "needs `min_iter`, or `max_iter` and `s`"),
        (GRID + METRIC + "early_terminate: {type: hyperband, max_iter: 9}\n", "`max_iter` needs `s`"),
        (GRID + METRIC + "early_terminate: {type: hyperband, s: 9}\n", "`s` needs `max_iter`"),
        (GRID + METRIC + "early_terminate: {type: hyperband, max_iter: 2, s: 2}\n", "leave no bracket"),
        (GRID + METRIC + "early_terminate: {type: hyperband, max_iter: 9, s: 0}\n", "leave no bracket"),
        (GRID + METRIC + "early_terminate: {type: hyperband, min_iter: 0}\n", "must be from 1 to 42949"),
        (
            GRID + METRIC + "early_terminate: {type: hyperband, min_iter: 1.5}\n",
            "must be an integer, not 1.5",
        ),
        (
            GRID + METRIC + "early_terminate: {type: hyperband, min_iter: 1, eta: 1}\n",
            "greater than 1, not 1",
        ),
        (
            GRID + METRIC + "early_terminate: {type: hyperband, min_iter: 1, strict: 1}\n",
            "must be true or false",
        ),
        (
            GRID + METRIC + "early_terminate: {type: hyperband, min_iter: 1, step: 1}\n",
            "early_terminate.step",
        ),
        (GRID + "metric: loss\n", "3:9: metric: must be a mapping with the key `name`"),
        (GRID + "metric: {goal: minimize}\n", "metric: needs `name`"),
        (GRID + "metric: {name: ''}\n", "metric.name: must not be empty"),
        (GRID + "metric: {name: ' '}\n", '3:16: metric.name: must not be blank, as " " is'),
        (GRID + 'program: " "\n', '3:10: program: must not be blank, as " " is'),
        (GRID + 'program: "\\t\\u3000"\n', "3:10: program: must not be blank"),
        (GRID + "name: ' '\n", '3:7: name: must not be blank, as " " is'),
        (GRID + "project: ' '\n", "3:10: project: must not be blank"),
        (GRID + "tags: [a, ' ']\n", "3:11: tags[1]: must not be blank"),
        (GRID + "constraints: [' ']\n", "constraints[0]: must not be blank"),
        (GRID + "requires: {zone: ' '}\n", "requires.zone: must not be blank"),
        (GRID + "requires: {' ': a}\n", "a label must not be blank"),
        (GRID + "metrics_from: {file: ' '}\n", "metrics_from.file: must not be blank"),
        (
            GRID + "command: [' ', x]\n",
            '3:11: command[0]: must be the program to start, but " " is blank',
        ),
        (GRID + "command: ['']\n", '3:11: command[0]: must be the program to start, but "" is blank'),
        (GRID + "metric: {name: a, goal: max}\n", "did you mean `maximize`?"),
        (GRID + "metric: {name: a, target: .inf}\n", "metric.target: must be finite"),
        (GRID + "metric: {name: a, impute: mean}\n", "metric.impute"),
        (GRID + "metric: {name: a, impute_while_running: true}\n", "metric.impute_while_running"),
        (GRID + "metric: {name: a, gaol: minimize}\n", "did you mean `goal`?"),
        (GRID + "metric: {name: a, value: median}\n", '"median" is none of best, last, mean'),
        (GRID + "run_cap: 0\n", "run_cap: must be at least 1, not 0"),
        (GRID + "run_cap: '20'\n", "run_cap: must be a number"),
        (GRID + "seed: 1.5\n", "seed: must be an integer, not 1.5"),
        (GRID + "seed: true\n", "seed: must be a number, not true"),
        (GRID + "command: python t.py\n", "command: must be a list"),
        (GRID + "command: [a, null]\n", "3:14: command[1]: an item is text, a number or a boolean"),
        (GRID + "kind: swep\n", "did you mean `sweep`?"),
        (GRID + "name: 3\n", "name: must be text, not 3; quote it"),
        (
            GRID + "project: _\n",
            '3:10: project: "_" has no character that is valid in a name; write 1 to 64 lower-case',
        ),
        (GRID + "entity: ..\n", "beginning with a letter or digit, or pass --entity"),
        (GRID + "project: 3\n", "project: must be text, not 3; quote it"),
    ],
)
def test_a_sweep_that_could_not_run_is_refused(text: str, message: str) -> None:
    assert any(message in error for error in errors(text)), errors(text)


def test_all_findings_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = "method: gird\nrun_cap: 0\nprogram: t\nparameters:\n  a: {min: 3, max: 1}\n  b: 3\n"
    assert errors(text) == [
        's.yaml:1:9: method: "gird" is none of grid, random, bayes, list, sobol; did you mean `grid`?',
        "s.yaml:2:10: run_cap: must be at least 1, not 0",
        "s.yaml:5:12: parameters.a: min 3 is not less than max 1",
        "s.yaml:6:6: parameters.b: a parameter is a mapping; for a constant write `value: 3`",
    ]


def test_findings_in_a_python_mapping_have_a_path_but_no_line() -> None:
    result = parse_mapping({"method": "grid", "program": "t", "parameters": {"a": {"values": []}}})
    assert [str(finding) for finding in result.diagnostics] == [
        "config: parameters.a.values: must have at least one entry"
    ]


def test_a_sweep_with_warnings_is_read() -> None:
    result = parse_text(
        (GRID + METRIC + "command: [x, '${argss}', '--y=${a}', '${envvar:HOME}', 'a${b c}']\n").encode()
        + b"early_terminate: {type: hyperband, max_iter: 9, s: 1, min_iter: 2}\n",
        file="s.yaml",
    )
    assert result.spec is not None
    assert result.spec.early_terminate == (Hyperband(max_iter=9, s=1),)
    assert [str(finding) for finding in result.diagnostics] == [
        's.yaml:4:14: command[1]: unknown macro "${argss}": it is left out; did you mean `${args}`?',
        's.yaml:4:56: command[4]: unknown macro "${b c}": it is not expanded',
        "s.yaml:5:55: early_terminate.min_iter: has no effect beside `max_iter` and `s`",
    ]
    (warning,) = parse_text(GRID.encode(), file="s").diagnostics
    assert warning.code == "no-program"


@pytest.mark.parametrize(
    ("beside", "warning"),
    [
        ("s: 2", "s: has no effect without `max_iter`; brackets begin at `min_iter`"),
        ("max_iter: 50", "max_iter: has no effect without `s`; brackets begin at `min_iter`"),
    ],
)
def test_max_iter_or_s_beside_min_iter_causes_a_warning(beside: str, warning: str) -> None:
    rule = f"early_terminate: {{type: hyperband, {beside}, eta: 2, min_iter: 5}}\n"
    result = parse_text((GRID + METRIC + rule).encode(), file="s")
    assert result.spec is not None
    assert result.spec.early_terminate == (Hyperband(min_iter=5, eta=2),)
    assert [str(each) for each in result.diagnostics if each.code == "no-effect"] == [
        f"s:4:36: early_terminate.{warning}"
    ]


def test_ambiguous_dotted_names_cause_a_warning() -> None:
    result = parse_text(
        b"method: random\nprogram: t\nparameters: {a.b: {value: 1}, a: {parameters: {b: {value: 2}}}}",
        file="s",
    )
    assert [finding.code for finding in result.diagnostics] == ["ambiguous-name"]


def test_the_size_of_one_point_is_limited() -> None:
    text = f"method: random\nparameters: {{a: {{values: [b, {'x' * 600_000}]}}}}"
    assert "600,0" in errors(text)[0]
    assert "524,288" in errors(text)[0]
    assert not errors(f"method: random\nparameters: {{a: {{values: [b, {'x' * 500_000}]}}}}")


def test_reading_stops_after_many_errors() -> None:
    text = "".join(f"k{number}: 1\n" for number in range(5000))
    found = errors(text)
    assert len(found) == 501
    assert "reading stopped" in found[-1]


def test_messages_contain_no_control_characters() -> None:
    text = '"\\e[2Jx": 1\nmethod: "\\a\\u202e"\nparameters: {a: {value: 1}}'
    assert all(error.isprintable() for error in errors(text))
    assert "cannot read" in str(unreadable_file("a\x1bb", "no such file"))
    assert str(unreadable_file("a\x1bb", "x")).isprintable()


def test_a_file_of_300_parameters_and_one_of_a_trillion_points_are_read() -> None:
    entries = "".join(f"  p{number}: {{min: 1, max: 1000}}\n" for number in range(300))
    spec = parse_text(f"method: grid\nparameters:\n{entries}".encode(), file="s").spec
    assert spec is not None
    assert spec.search_space.grid.size == 1000**300
    point = spec.search_space.grid.at(7)
    assert point is not None
    assert point["p99"] == 8


WRITTEN_KEYS = sorted({*KEYS} - {*WITHOUT_EFFECT, "controller"})


@pytest.mark.lengthy
def test_generated_documents_have_every_key() -> None:
    once = settings(
        database=None, phases=[Phase.generate], max_examples=500, suppress_health_check=list(HealthCheck)
    )
    drawn: set[str] = set()

    def completes(document: dict[str, object]) -> bool:
        drawn.update(key for key, value in document.items() if value)
        return drawn.issuperset(WRITTEN_KEYS)

    with suppress(NoSuchExample):
        find(any_sweeps(), completes, settings=once)
    assert drawn >= {*WRITTEN_KEYS}, {*WRITTEN_KEYS} - drawn


def same(again: SweepSpec | None, spec: SweepSpec) -> bool:
    # 1, 1.0 and true are equal, but not the same
    return again == spec and repr(again) == repr(spec)


@pytest.mark.lengthy
@given(document=any_sweeps())
def test_a_specification_written_and_read_again_is_the_same(document: dict[str, object]) -> None:
    spec = parse_mapping(document).spec
    assert spec is not None, parse_mapping(document).diagnostics
    written = to_document(spec)
    assert same(parse_mapping(written).spec, spec)
    assert same(parse_text(yaml_text(written).encode(), file="s.yaml").spec, spec)
    assert same(parse_text(json.dumps(written).encode(), file="s.json").spec, spec)
    assert to_document(spec) == written


@pytest.mark.parametrize(
    "text", ["007", "08", "1e-5", "0x1f", "1_000", "1:30", "yes", "null", "~", "", " a ", "+1", ".5"]
)
def test_text_that_looks_like_another_value_survives_a_round_trip(text: str) -> None:
    """Section 1: strings with leading zeros must survive as strings."""
    file = f"method: list\nname: 'n{text}'\nruns: [{{a: '{text}', b: {{c: ['{text}']}}}}]\n"
    spec = parse_text(file.encode(), file="s.yaml").spec
    assert spec is not None
    assert spec.runs == ({"a": text, "b": {"c": [text]}},)
    assert same(parse_text(yaml_text(to_document(spec)).encode(), file="s.yaml").spec, spec)
    assert same(spec_from_message(spec_message(spec)), spec)
