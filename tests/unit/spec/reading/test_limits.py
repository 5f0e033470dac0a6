"""Limits of the sweep file: the last accepted value of each, and the first one beyond."""

import json

import pytest

from sweepd.spec.keys.sweep import to_document
from sweepd.spec.limits import (
    MAX_AGENT_FAILURES,
    MAX_BETA_SHAPE,
    MAX_CONSTRAINTS,
    MAX_EXPRESSION_LENGTH,
    MAX_ITERATIONS,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    MAX_METADATA_BYTES,
    MAX_NAME_LENGTH,
    MAX_NUMBER_LENGTH,
    MAX_PATH_LENGTH,
    MAX_POINT_BYTES,
    MAX_QUANTA,
    MAX_REPEATS,
    MAX_RETRIES,
    MAX_RULES,
    MAX_SPEC_BYTES,
    MAX_TIMEOUT_DAYS,
)
from sweepd.spec.parse import Parsed, parse_mapping, parse_text
from sweepd.spec.point import Json

SWEEP: dict[str, Json] = {
    "program": "t.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"a": {"values": [1, 2]}, "b": {"values": [1, 2]}},
}


def parsed(**keys: Json) -> Parsed:
    document = {**SWEEP, **keys}
    return parse_mapping({key: value for key, value in document.items() if value is not None}, file="sweep")


def assert_ends_at(accepted: dict[str, Json], refused: dict[str, Json], path: str) -> None:
    """Check that the first file is accepted, and the second refused with the path of the key."""
    assert parsed(**accepted).spec is not None, parsed(**accepted).diagnostics
    found = parsed(**refused)
    assert found.spec is None
    assert [finding.path for finding in found.refusals] == [path]


def labels(count: int) -> dict[str, Json]:
    return {f"l{number}": "x" for number in range(count)}


def json_of(size: int) -> dict[str, Json]:
    """Return a mapping whose JSON has `size` bytes."""
    return {"a": "x" * (size - len('{"a":""}'))}


def pattern(length: int) -> Json:
    return {"stdout": "(?P<loss>.)".ljust(length, "x")}


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("run_cap", 1, 2**63 - 1),
        ("seed", -(2**63), 2**63 - 1),
        ("repeats", 1, MAX_REPEATS),
        ("retry.failure", 0, MAX_RETRIES),
        ("retry.infrastructure", 0, MAX_RETRIES),
        ("guard.agent", 1, MAX_AGENT_FAILURES),
    ],
)
def test_integers_end_at_their_limits(key: str, least: int, most: int) -> None:
    outer, _, inner = key.partition(".")

    def file(value: int) -> dict[str, Json]:
        return {outer: {inner: value} if inner else value}

    assert_ends_at(file(least), file(least - 1), key)
    assert_ends_at(file(most), file(most + 1), key)


@pytest.mark.parametrize(
    ("rule", "key", "least", "most"),
    [
        ({"type": "hyperband", "min_iter": 1}, "min_iter", 1, MAX_ITERATIONS),
        ({"type": "asha", "min_iter": 1}, "min_iter", 1, MAX_ITERATIONS),
    ],
)
def test_keys_of_rules_end_at_their_limits(rule: dict[str, Json], key: str, least: int, most: int) -> None:
    def file(value: int) -> dict[str, Json]:
        return {"early_terminate": {**rule, key: value}}

    assert_ends_at(file(least), file(least - 1), f"early_terminate.{key}")
    assert_ends_at(file(most), file(most + 1), f"early_terminate.{key}")


@pytest.mark.parametrize(
    ("accepted", "refused", "path"),
    [
        ({"tags": [*labels(MAX_LABELS)]}, {"tags": [*labels(MAX_LABELS + 1)]}, "tags"),
        ({"tags": ["x" * MAX_LABEL_LENGTH]}, {"tags": ["x" * (MAX_LABEL_LENGTH + 1)]}, "tags[0]"),
        ({"requires": labels(MAX_LABELS)}, {"requires": labels(MAX_LABELS + 1)}, "requires"),
        (
            {"requires": {"x" * MAX_LABEL_LENGTH: "y" * MAX_LABEL_LENGTH}},
            {"requires": {"x": "y" * (MAX_LABEL_LENGTH + 1)}},
            "requires.x",
        ),
        (
            {"metadata": json_of(MAX_METADATA_BYTES)},
            {"metadata": json_of(MAX_METADATA_BYTES + 1)},
            "metadata",
        ),
        (
            {"early_terminate": [{"type": "asha", "min_iter": 1 + number} for number in range(MAX_RULES)]},
            {
                "early_terminate": [
                    {"type": "asha", "min_iter": 1 + number} for number in range(MAX_RULES + 1)
                ]
            },
            "early_terminate",
        ),
        (
            {"constraints": ["a <= b"] * MAX_CONSTRAINTS},
            {"constraints": ["a <= b"] * (MAX_CONSTRAINTS + 1)},
            "constraints",
        ),
        (
            {"metric": {"name": "x" * MAX_NAME_LENGTH}},
            {"metric": {"name": "x" * (MAX_NAME_LENGTH + 1)}},
            "metric.name",
        ),
        (
            {"metrics_from": pattern(MAX_EXPRESSION_LENGTH)},
            {"metrics_from": pattern(MAX_EXPRESSION_LENGTH + 1)},
            "metrics_from.stdout",
        ),
        (
            {"metrics_from": {"file": "x" * MAX_PATH_LENGTH}},
            {"metrics_from": {"file": "x" * (MAX_PATH_LENGTH + 1)}},
            "metrics_from.file",
        ),
        (
            {"sweep_timeout": f"{MAX_TIMEOUT_DAYS}d"},
            {"sweep_timeout": f"{MAX_TIMEOUT_DAYS + 1}d"},
            "sweep_timeout",
        ),
        ({"sweep_timeout": "1ms"}, {"sweep_timeout": "0.4ms"}, "sweep_timeout"),
        ({"guard": {"sweep": 1}}, {"guard": {"sweep": 1.0001}}, "guard.sweep"),
        ({"guard": {"sweep": 1e-9}}, {"guard": {"sweep": 0}}, "guard.sweep"),
    ],
)
def test_texts_and_lists_end_at_their_limits(
    accepted: dict[str, Json], refused: dict[str, Json], path: str
) -> None:
    assert_ends_at(accepted, refused, path)


@pytest.mark.parametrize(
    ("accepted", "refused", "key"),
    [
        ({"distribution": "beta", "a": MAX_BETA_SHAPE, "b": 1}, {"a": MAX_BETA_SHAPE * 1.001}, "a"),
        ({"distribution": "beta", "a": 1e-300, "b": 1}, {"a": 0}, "a"),
        ({"distribution": "normal", "mu": 0, "sigma": 0}, {"sigma": -1e-9}, "sigma"),
        ({"distribution": "int_uniform", "min": -(2**63) + 1, "max": -1}, {"max": 0}, "max"),
        ({"distribution": "q_uniform", "q": 1, "min": 0, "max": MAX_QUANTA}, {"max": MAX_QUANTA + 2}, ""),
        ({"distribution": "log_uniform", "min": 0, "max": 709}, {"max": 710}, ""),
    ],
)
def test_distributions_end_at_their_limits(
    accepted: dict[str, Json], refused: dict[str, Json], key: str
) -> None:
    assert_ends_at(
        {"parameters": {"x": accepted}},
        {"parameters": {"x": {**accepted, **refused}}},
        f"parameters.x.{key}".rstrip("."),
    )


def test_a_name_of_a_parameter_ends_at_its_limit() -> None:
    long = "x" * MAX_NAME_LENGTH
    assert parsed(parameters={long: {"values": [1, 2]}}).spec is not None
    found = parsed(parameters={f"{long}x": {"values": [1, 2]}})
    assert [finding.code for finding in found.refusals] == ["bad-name"]


def listed(*points: Json) -> dict[str, Json]:
    """Return a file of listed points, without parameters."""
    return {"method": "list", "parameters": None, "runs": list(points)}


def test_a_listed_point_ends_at_its_limit() -> None:
    assert_ends_at(listed(json_of(MAX_POINT_BYTES)), listed(json_of(MAX_POINT_BYTES + 1)), "runs[0]")


def test_a_number_ends_at_its_limit() -> None:
    def file(length: int) -> bytes:
        return f"method: list\nprogram: t.py\nruns: [{{a: 0.{'1' * (length - 2)}}}]\n".encode()

    assert parse_text(file(MAX_NUMBER_LENGTH), file="s").spec is not None
    assert parse_text(file(MAX_NUMBER_LENGTH + 1), file="s").spec is None


def test_a_sweep_ends_at_its_limit_with_aliases_expanded() -> None:
    def file(filler: int) -> dict[str, Json]:
        points: list[Json] = [{"a": "x" * 500_000}] * 6
        return listed(*points, {"a": "x" * filler})

    spec = parsed(**file(1)).spec
    assert spec is not None
    left = MAX_SPEC_BYTES - len(json.dumps(to_document(spec), ensure_ascii=False).encode())
    assert_ends_at(file(1 + left), file(2 + left), "")
