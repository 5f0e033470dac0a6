"""Strategies for valid sweep files of every method, with all keys that concern the life of a run."""

from typing import Any

from hypothesis import strategies as st

from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json

Document = dict[str, Json]

GRID_LIKE: tuple[Document, ...] = (
    {"parameters": {"a": {"values": [1, 2]}, "b": {"values": [1, 2]}}},
    {"parameters": {"a": {"values": [1, 2]}, "b": {"values": [1, 2]}}, "constraints": ["a + b < 4"]},
    {
        "parameters": {
            "a": {"values": [1, 2, 3]},
            "b": {"values": [1, 2], "when": "a == 1"},
            "x": {"values": [0.25, 7.0], "when": "a > 1"},
        }
    },
    {"parameters": {"a": {"values": [1, 2, 3]}, "b": {"values": [1, 2, 1]}}, "zip": [["a", "b"]]},
)
CONSTANT: Document = {"parameters": {"a": {"value": 1}}}
CONTINUOUS: tuple[Document, ...] = (
    {"parameters": {"x": {"min": 0.0, "max": 1.0}}},
    {"parameters": {"x": {"min": 0.0, "max": 1.0}, "a": {"values": [1, 2]}}, "constraints": ["a + x < 2.5"]},
)
LIST: Document = {"runs": [{"a": 1, "b": 2}, {"a": 1}, {"a": 1, "b": 2}]}
INITIAL: tuple[list[Json], ...] = ([{"a": 1}], [{}, {"a": 2}], [{"x": 0.25}])
HALVING: Document = {"type": "hyperband", "min_iter": 1, "eta": 2}
MEDIAN: Document = {"type": "median", "min_iter": 1, "min_runs": 1}
RULES: list[Json] = [
    {"type": "patience", "iterations": 2},
    MEDIAN,
    {"type": "asha", "min_iter": 1, "eta": 2},
    {"type": "threshold", "at": 3, "value": 5.0},
]
METRICS: tuple[Document, ...] = (
    {"name": "loss"},
    {"name": "loss", "target": 0.1},
    {"name": "loss", "value": "last", "target": 0.1},
    {"name": "loss", "value": "mean", "goal": "maximize"},
    {"name": "loss", "impute_while_running": "worst"},
)
LABELS: dict[str, str] = {"gpu": "a100"}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a sweep that would be accepted."""
    method = draw(st.sampled_from(("grid", "random", "bayes", "list", "sobol")))
    document: Document = {"method": method, **draw(_spaces(method))}
    if method == "grid":
        document |= _sometimes(draw, shuffle=st.just(True))
    document |= _sometimes(
        draw,
        metric=st.sampled_from(METRICS),
        initial=st.sampled_from(INITIAL),
        repeats=st.integers(1, 3),
        retry=st.fixed_dictionaries({"infrastructure": st.integers(0, 2), "failure": st.integers(0, 2)}),
        guard=st.sampled_from(({"agent": 1}, {"agent": 2, "sweep": 0.5})),
        sweep_timeout=st.just("2m"),
        run_cap=st.integers(1, 7),
        requires=st.just(LABELS),
        tags=st.just(["one"]),
        metadata=st.just({"why": ["not"]}),
    )
    if method == "bayes":
        document.setdefault("metric", METRICS[0])
    if "metric" in document:
        if document.get("repeats", 1) != 1:
            document |= _sometimes(draw, aggregate=st.sampled_from(("mean", "median", "worst")))
        rules = st.sampled_from((HALVING, MEDIAN, RULES))
        document |= _sometimes(draw, canary=st.just(True), early_terminate=rules)
    return document if accepted(document) else {key: document[key] for key in document if key != "initial"}


def accepted(document: Document) -> bool:
    """Return True if a sweep may be created from this."""
    parsed = parse_mapping({"program": "train.py", "seed": 7, **document})
    return parsed.spec is not None and not any(each.severity == "error" for each in parsed.diagnostics)


def _spaces(method: str) -> st.SearchStrategy[Document]:
    if method == "list":
        return st.just(LIST)
    if method == "grid":
        return st.sampled_from((*GRID_LIKE, CONSTANT))
    searched = (*GRID_LIKE, *CONTINUOUS)
    return st.sampled_from(searched if method == "bayes" else (*searched, CONSTANT))


def _sometimes(draw: st.DrawFn, **keys: st.SearchStrategy[Any]) -> Document:
    return {key: draw(values) for key, values in keys.items() if draw(st.integers(0, 2)) == 2}
