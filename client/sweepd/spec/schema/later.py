"""The schema of the keys that are checked but not supported yet."""

from collections.abc import Collection
from typing import Final

from sweepd.spec.reading.keys import SCHEDULER_KEYS, STOP_WHEN_KEYS
from sweepd.spec.reading.later import ENGINES, ON_DISCONNECT
from sweepd.spec.schema.pieces import (
    ANYTHING,
    DURATION,
    TEXT,
    Schema,
    all_of,
    any_of,
    choice,
    described,
    integer,
    items,
    mapping,
    needs,
    number,
    reference,
    where,
)
from sweepd.spec.schema.space import EXPRESSION

_LATER: Final = " Not supported yet: it is checked, but no sweep can be created of it."
_FOREIGN: Final = ("ax", "wandb")
_CUSTOM: Final = ("ax", "optuna")
"""Engines that go with `method: custom`."""

_ADDRESS: Final[Schema] = {"type": "string", "pattern": "^.+:[0-9]+$"}
_NEEDS_SOURCE: Final[Schema] = {"dependencies": {"optimizer": ["source"], "search_space": ["source"]}}
_SCHEDULER: Final[dict[str, Schema]] = {
    "engine": described(
        "Which engine suggests points: one of those, or a service of your own at an address.",
        any_of(choice(ENGINES), mapping(("address",), {"address": _ADDRESS}, **needs("address"))),
    ),
    "source": ANYTHING,
    "optimizer": ANYTHING,
    "search_space": ANYTHING,
}
_WITH_A_WORD: Final[Schema] = {"properties": {"source": TEXT, "optimizer": TEXT}, **_NEEDS_SOURCE}
_STOP_WHEN: Final = {"no_improvement": integer(1), "expected_improvement": number(exclusiveMinimum=0)}


def later_keys() -> dict[str, Schema]:
    """Return the schema of each."""
    schemas = {
        "metrics": described("Several objectives, at least two.", items(reference("metric"), minItems=2)),
        "scheduler": described(
            "The engine that suggests points.",
            mapping(
                SCHEDULER_KEYS,
                _SCHEDULER,
                **needs("engine"),
                **where("engine", {"type": "string"}, _WITH_A_WORD),
            ),
        ),
        "reproducible": described("Run n depends on the results of the runs up to n - W alone.", integer(1)),
        "outcome_constraints": described("Expressions over what runs have logged.", items(EXPRESSION)),
        "run_timeout": described("How long one run may take, as `90s` or `1h30m`.", DURATION),
        "max_parallel": described("Most runs at once, over all agents.", integer(1)),
        "priority": described("Which sweep comes first at agents that several share.", integer()),
        "stop_when": described(
            "Ends the sweep when little is to be gained.", _at_least_one(STOP_WHEN_KEYS, _STOP_WHEN)
        ),
        "on_disconnect": described(
            "What a run does when its agent has lost the server.", choice(ON_DISCONNECT)
        ),
    }
    return {
        key: {**schema, "description": f"{schema['description']}{_LATER}"} for key, schema in schemas.items()
    }


def engine_rules() -> list[Schema]:
    """Return what the engines of W&B ask of a sweep."""
    custom: Schema = {"const": "custom"}
    others = [engine for engine in ENGINES if engine not in _CUSTOM]
    return [
        {"if": _has_engine(["ax"]), "then": {"properties": {"method": custom}}},
        where("method", custom, {"not": _has_engine(others)}),
        {
            "if": any_of(
                _has_engine(_FOREIGN), all_of(_has_engine(ENGINES), {"properties": {"method": custom}})
            ),
            "then": {
                "properties": {
                    "early_terminate": {"type": "null"},
                    "controller": {"not": {"properties": {"type": {"const": "local"}}}},
                }
            },
        },
    ]


def _has_engine(names: Collection[str]) -> Schema:
    """Return the schema of a sweep whose engine is one of some."""
    engine: Schema = {**needs("engine"), "properties": {"engine": choice(names)}}
    return {**needs("scheduler"), "properties": {"scheduler": engine}}


def _at_least_one(keys: tuple[str, ...], described_keys: dict[str, Schema]) -> Schema:
    return mapping(keys, described_keys, minProperties=1)
