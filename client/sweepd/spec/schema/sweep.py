"""The schema of a whole sweep file."""

import json
from typing import Final

from sweepd.spec.reading.keys import (
    CONTROLLER_KEYS,
    KEYS,
    LATER_KEYS,
    LATER_METHODS,
    TEXT_KEYS,
    WITHOUT_EFFECT,
)
from sweepd.spec.reading.later import CONTROLLERS
from sweepd.spec.schema.handling import HANDLING
from sweepd.spec.schema.later import engine_rules, later_keys
from sweepd.spec.schema.metric import early_terminate, metric, rule
from sweepd.spec.schema.pieces import (
    TEXT,
    Schema,
    all_of,
    any_of,
    choice,
    described,
    lacks,
    mapping,
    needs,
    reference,
    where,
    with_key,
    words,
)
from sweepd.spec.schema.space import space_definitions
from sweepd.spec.sweep_spec import Method

_METHODS: Final = {
    Method.GRID: "Every combination, once.",
    Method.RANDOM: "Independent draws of each parameter.",
    Method.BAYES: "A model of the results so far chooses; needs `metric`.",
    Method.LIST: "The points of `runs`, in order.",
    Method.SOBOL: "A scrambled Sobol sequence: random, but evenly spread.",
    "custom": "Points from a scheduler of your own. Not supported yet.",
}
_ANY_TEXT: Final[Schema] = {"type": "string"}
_NAME: Final[Schema] = {"type": "string", "pattern": r"[A-Za-z0-9]|[^\x00-\x7F]"}
"""Of other letters, some become letters of a legal name; no schema can tell which."""
_TEXTS: Final[dict[str, Schema]] = {
    "name": described("What is shown instead of the sweep's ID.", {"type": "string", "pattern": r"^$|\S"}),
    "description": described("Shown with the sweep.", _ANY_TEXT),
    "project": described(
        "Where the sweep lives, in lower case; flags and environment come before it.", _NAME
    ),
    "entity": described("Whose it is, in lower case; flags and environment come before it.", _NAME),
    "program": described("What `${program}` stands for in `command`.", TEXT),
}
_WITHOUT_EFFECT: Final = {
    key: described("Accepted, as existing files have it; no effect.", _ANY_TEXT) for key in WITHOUT_EFFECT
}
_SAYS_SOMETHING: Final[Schema] = {"not": {"type": "null"}}
_HAS_METRIC: Final = any_of(needs("metric"), needs("metrics"))


def sweep_schema() -> Schema:
    """Return the schema of a sweep file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A sweep of sweepd",
        **mapping((*KEYS, *LATER_KEYS), _keys(), **needs("method")),
        **all_of(*_rules()),
        "definitions": {**space_definitions(), "metric": metric(), "rule": rule()},
    }


def schema_text() -> str:
    """Return it as the file that editors read."""
    return json.dumps(sweep_schema(), indent=2, ensure_ascii=False) + "\n"


def _keys() -> dict[str, Schema]:
    argument: Schema = {"type": ["string", "number", "boolean"]}
    return {
        "method": described(
            "How the next point is found.",
            words({name: _METHODS[name] for name in (*Method, *LATER_METHODS)}),
        ),
        "parameters": described("The space to search: names and what they may be.", reference("parameters")),
        "metric": described("What the runs log and the sweep optimises.", reference("metric")),
        "early_terminate": described(
            "When a run is stopped before its end: a rule, or several.", early_terminate()
        ),
        "command": described(
            "How a run is started: one item an argument, no shell. Default: "
            "[${env}, ${interpreter}, ${program}, ${args}].",
            {
                "type": "array",
                "items": [{**argument, "pattern": r"\S"}],
                "additionalItems": argument,
            },
        ),
        **{key: _TEXTS[key] for key in TEXT_KEYS},
        **HANDLING,
        "controller": described(
            "Who suggests points: the server (cloud, the default) or a local process, which is not supported "
            "yet.",
            mapping(CONTROLLER_KEYS, {"type": choice(CONTROLLERS)}, **needs("type")),
        ),
        **_WITHOUT_EFFECT,
        "kind": described("Accepted, as existing files have it; no effect.", choice(["sweep"])),
        **later_keys(),
    }


def _rules() -> list[Schema]:
    """Return which keys need or exclude which."""
    own_space: Schema = {**needs("scheduler"), "properties": {"scheduler": needs("search_space")}}
    is_list = where("method", {"const": Method.LIST}, all_of(needs("runs"), lacks("initial")))
    shuffled: Schema = {"properties": {"method": choice([Method.GRID, *LATER_METHODS])}}
    return [
        {**is_list, "else": any_of(needs("parameters"), own_space)},
        where("method", choice(each for each in Method if each is not Method.LIST), lacks("runs")),
        where("method", {"const": Method.GRID}, {"properties": {"parameters": reference("grid")}}),
        where("method", {"const": Method.BAYES}, _HAS_METRIC),
        where("early_terminate", _SAYS_SOMETHING, _HAS_METRIC),
        where("canary", {"const": True}, _HAS_METRIC),
        where("shuffle", {"const": True}, shuffled),
        with_key("aggregate", all_of(needs("repeats"), _HAS_METRIC)),
        with_key("metrics", lacks("metric")),
        *engine_rules(),
    ]
