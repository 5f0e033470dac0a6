"""docs/sweep-file.md has every key of the reader's tables and no other, with its words and defaults."""

import re
from typing import get_args

import pytest
import yaml

from sweepd.spec import finding, limits
from sweepd.spec.command import expand_command
from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS
from sweepd.spec.keys.parameters import FORM_KEYS
from sweepd.spec.keys.unsupported import CONTROLLERS, ENGINES, ON_DISCONNECT, UNSUPPORTED_METHODS
from sweepd.spec.macros import LABEL_PREFIX, MACROS, MacroValues
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.point import Point
from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience
from sweepd.spec.sweep_spec import Aggregate, Goal, Guard, Impute, Metric, ObjectiveValue, Retry
from unit.spec.key_names import (
    CONTROLLER_KEYS,
    GUARD_KEYS,
    KEYS,
    LATER_KEYS,
    METRIC_KEYS,
    METRICS_FROM_KEYS,
    RETRY_KEYS,
    RULE_KEYS,
    SCHEDULER_KEYS,
    STOP_WHEN_KEYS,
    WITHOUT_EFFECT,
)
from unit.spec.sweep_file_document import DOCUMENT, PROSE, anchor, code, headings, links, table, tables

TOP_LEVEL = {*KEYS, *LATER_KEYS}
KEY_TABLES = {
    "All keys": TOP_LEVEL,
    "`metric`": set(METRIC_KEYS),
    **{f"`{rule}`": set(keys) for rule, keys in RULE_KEYS.items()},
    "`repeats` and `aggregate`": {"repeats", "aggregate"},
    "`retry`": set(RETRY_KEYS),
    "`guard`": set(GUARD_KEYS),
    "`metrics_from`": set(METRICS_FROM_KEYS),
    "Names and labels": {"name", "description", "project", "entity", "tags", "metadata"},
    "Not supported yet": {*LATER_KEYS, "controller", "method"},
}
NESTED = {"scheduler": SCHEDULER_KEYS, "stop_when": STOP_WHEN_KEYS}
KNOWN = TOP_LEVEL.union(
    METRIC_KEYS,
    RETRY_KEYS,
    GUARD_KEYS,
    CONTROLLER_KEYS,
    FORM_KEYS,
    {"when", "type", "address"},
    METRICS_FROM_KEYS,
    *NESTED.values(),
    *RULE_KEYS.values(),
)
_NO_VALUE = {"impute_while_running": '"false"'}
PARAMETERS = {"lr", "k"}
"""Names of parameters in examples within sentences."""


def keys_of(heading: str) -> list[str]:
    return [key for row in table(heading, "key").rows for key in code(row[0])]


@pytest.mark.parametrize("heading", KEY_TABLES)
def test_a_table_of_keys_has_those_of_the_reader(heading: str) -> None:
    assert sorted(keys_of(heading)) == sorted(KEY_TABLES[heading])


def test_every_table_of_keys_is_checked() -> None:
    assert {each.heading for each in tables() if each.header[0] == "key"} == KEY_TABLES.keys()


def test_each_key_has_a_section_or_row_besides_the_overview() -> None:
    explained = {word for heading in headings() for word in code(heading)}
    explained |= {key for heading in KEY_TABLES if heading != "All keys" for key in keys_of(heading)}
    assert explained | set(WITHOUT_EFFECT) >= TOP_LEVEL | {"when"}
    assert set(WITHOUT_EFFECT) <= set(code(_section("Keys without effect")))


def test_headings_name_existing_keys() -> None:
    words = {word for heading in headings() for word in code(heading)}
    assert words <= KNOWN | set(RULE_KEYS) | set(METHODS)
    assert words >= set(RULE_KEYS) | set(METHODS)


def test_keys_in_sentences_exist() -> None:
    for span in code(PROSE):
        for key in re.findall(r"(?:^|[{,] ?)([A-Za-z_]+): ", span):
            assert key in KNOWN | PARAMETERS, span
        outer, dot, inner = span.partition(".")
        if dot and outer in TOP_LEVEL:
            assert inner in {"metric": METRIC_KEYS, "guard": GUARD_KEYS, "retry": RETRY_KEYS}[outer], span


def test_keys_of_unsupported_keys_are_named() -> None:
    rows = {code(row[0])[0]: row for row in table("Not supported yet", "key").rows}
    for key, inner in NESTED.items():
        assert code(rows[key][1]) == [f"{{{', '.join(inner)}}}"]
    assert set(code(rows["scheduler"][2])) == {*ENGINES, "{address: HOST:PORT}"}
    assert set(code(rows["on_disconnect"][1])) == set(ON_DISCONNECT)
    shown = {*code(rows["controller"][1]), *code(rows["controller"][2])}
    assert shown == {f"{{type: {word}}}" for word in CONTROLLERS}
    assert set(code(rows["method"][1])) == set(UNSUPPORTED_METHODS)


def test_the_documented_methods_exist() -> None:
    assert [code(row[0])[0] for row in table("`method`", "method").rows] == [*METHODS, *UNSUPPORTED_METHODS]


def test_the_documented_words_exist() -> None:
    metric = {code(row[0])[0]: code(row[1]) for row in table("`metric`", "key").rows}
    assert metric["goal"] == list(Goal)
    assert metric["value"] == list(ObjectiveValue)
    assert metric["impute"] == list(Impute)
    assert metric["impute_while_running"] == [*Impute, '"false"']
    repeats = {code(row[0])[0]: code(row[1]) for row in table("`repeats` and `aggregate`", "key").rows}
    assert repeats["aggregate"] == list(Aggregate)


@pytest.mark.parametrize(
    ("heading", "default"),
    [
        ("`metric`", Metric(name="x")),
        ("`hyperband`", Hyperband(min_iter=1)),
        ("`asha`", Asha(min_iter=1)),
        ("`median`", Median(min_iter=1)),
        ("`patience`", Patience(iterations=1)),
        ("`retry`", Retry()),
        ("`guard`", Guard()),
    ],
)
def test_the_documented_defaults_are_correct(heading: str, default: object) -> None:
    column = table(heading, "key").header.index("default")
    documented = {code(row[0])[0]: row[column].strip("`") for row in table(heading, "key").rows}
    for key, word in documented.items():
        value = getattr(default, key)
        if word not in ("required", ""):
            assert word == _NO_VALUE.get(key, "none") if value is None else word == str(value).lower(), key


def test_the_documented_distributions_have_the_keys_of_the_reader() -> None:
    rows = {code(row[0])[0]: row for row in table("Distributions", "distribution").rows}
    assert rows.keys() == DISTRIBUTION_KEYS.keys()
    for name, (needed, optional) in DISTRIBUTION_KEYS.items():
        assert tuple(code(rows[name][1])) == (*needed, *optional)
        assert ("deprecated" in rows[name][2]) is ("as exponents" in rows[name][1])


def test_every_documented_macro_expands_as_shown() -> None:
    params: Point = {"lr": 0.1, "flag": True, "off": False, "opt": {"k": 1}, "s": "a b", "n": None}
    rows = {code(row[0])[0]: row[1] for row in tables_of_macros()[0]}
    assert [name.strip("${}") for name in rows] == list(MACROS)
    for macro, cell in rows.items():
        if macro in ("${interpreter}", "${program}", "${args_json_file}"):
            continue
        made = expand_command([macro], MacroValues(program="train.py", params=params), {})
        assert code(cell) == made, macro


def test_the_other_macros_are_documented() -> None:
    names = [name.strip("${}") for row in tables_of_macros()[1] for name in code(row[0])]
    assert names == [
        "lr",
        "opt.k",
        "repeat",
        "agent.slot",
        "agent.gpus",
        f"{LABEL_PREFIX}NAME",
        "envvar:NAME",
    ]


def tables_of_macros() -> list[tuple[tuple[str, ...], ...]]:
    return [each.rows for each in tables() if each.heading == "Macros"]


@pytest.mark.parametrize(
    ("start", "figures"),
    [
        ("the file", [f"{limits.MAX_FILE_BYTES >> 20} MiB", f"{limits.MAX_SPEC_BYTES / 1e6:.1f} MB"]),
        ("nesting", [f"{limits.MAX_DEPTH} levels", f"{limits.MAX_WEIGHT:,}"]),
        (
            "parameters of one run",
            [f"{limits.MAX_POINT_BYTES >> 10} KiB", f"{limits.MAX_ARGUMENT_BYTES + 1 >> 10} KiB"],
        ),
        ("name", [f"{limits.MAX_NAME_LENGTH} characters"]),
        ("integers", ["64 bits"]),
        ("`constraints`", [f"{limits.MAX_CONSTRAINTS}", f"{limits.MAX_CONDITIONS:,}"]),
        ("free parameters of `sobol`", [f"{limits.MAX_SOBOL_DIMENSIONS:,}"]),
        ("rules", [f"{limits.MAX_RULES}", f"{limits.MAX_ITERATIONS:,}"]),
        ("`tags`", [f"{limits.MAX_LABELS}", f"{limits.MAX_LABEL_LENGTH} characters"]),
        ("`metadata`", [f"{limits.MAX_METADATA_BYTES >> 10} KiB"]),
        ("`sweep_timeout`", [f"{limits.MAX_TIMEOUT_DAYS:,} days"]),
        ("errors", [f"{limits.MAX_ERRORS}"]),
    ],
)
def test_the_documented_limits_are_correct(start: str, figures: list[str]) -> None:
    (row,) = [row for row in table("Limits", "what").rows if row[0].startswith(start)]
    assert row[1].split("; ") == figures


def test_the_limits_within_sentences_are_correct() -> None:
    for sentence in (
        f"At most {limits.MAX_EXPRESSION_LENGTH:,} characters, {limits.MAX_EXPRESSION_DEPTH} levels deep",
        f"up to {limits.MAX_RULES} of them",
        f"Up to {limits.MAX_SOBOL_DIMENSIONS:,} free",
        f"integer from 1 to {limits.MAX_REPEATS:,}",
        f"integer from 0 to {limits.MAX_RETRIES}",
        f"integer from 1 to {limits.MAX_AGENT_FAILURES:,}",
        f"up to {limits.MAX_LABELS} texts",
        f"up to {limits.MAX_METADATA_BYTES >> 10} KiB",
    ):
        assert sentence in re.sub(r"\s+", " ", PROSE), sentence


def test_the_documented_codes_exist() -> None:
    rows = [code(row[1]) for row in table("Codes of findings", "about").rows]
    kinds = (finding.FileCode, finding.ValueCode, finding.SweepCode, finding.WarningCode)
    assert [sorted(row) for row in rows] == [sorted(get_args(kind)) for kind in kinds]


def test_links_have_targets() -> None:
    anchors = {anchor(heading) for heading in headings()}
    for link in links():
        path, _, fragment = link.partition("#")
        if link.startswith("https://"):
            continue
        assert not path or (DOCUMENT.parent / path).is_file(), link
        assert path or fragment in anchors, link


def test_the_contents_link_every_section() -> None:
    contents = PROSE.partition("**Contents**")[2].partition("\n## ")[0]
    for heading in headings():
        assert f"(#{anchor(heading)})" in contents, heading


def test_rules_in_sentences_and_tables_are_valid_yaml() -> None:
    rules = [span for span in code(PROSE) if span.startswith("{type: ") and "min_iter" in span]
    assert rules
    for span in rules:
        assert yaml.safe_load(span)["type"] in RULE_KEYS


def _section(heading: str) -> str:
    return PROSE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
