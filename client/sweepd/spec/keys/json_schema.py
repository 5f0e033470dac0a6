"""The pieces that a JSON Schema (draft 7) is made of."""

from collections.abc import Iterable, Mapping
from typing import Final

from sweepd.spec.limits import INT64_MAX, INT64_MIN

Schema = dict[str, object]

ANYTHING: Final[Schema] = {}
NUMBER: Final[Schema] = {"type": "number"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
TEXT: Final[Schema] = {"type": "string", "minLength": 1, "pattern": r"\S"}
DURATION: Final[Schema] = {"type": "string", "pattern": r"^(?=.*[1-9])([0-9]+(\.[0-9]+)?(ms|d|h|m|s))+$"}


def integer(minimum: int = INT64_MIN, maximum: int = INT64_MAX) -> Schema:
    """Return the schema of an integer; to a schema, as to most keys of the language, 20.0 is one."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def number(**bounds: float) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", **bounds}


def text(**bounds: object) -> Schema:
    """Return the schema of text that is not blank."""
    return {**TEXT, **bounds}


def words(meanings: Mapping[str, str]) -> Schema:
    """Return the schema of one of some words; editors show what each means."""
    return {"enum": list(meanings), "enumDescriptions": list(meanings.values())}


def choice(legal: Iterable[object]) -> Schema:
    """Return the schema of one of some values."""
    return {"enum": list(legal)}


def items(item: Schema, **bounds: object) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": item, **bounds}


def described(description: str, schema: Schema, default: object = None) -> Schema:
    """Return a schema with what editors show beside a key."""
    shown: Schema = {"description": description, **schema}
    return shown if default is None else {**shown, "default": default}


def reference(name: str) -> Schema:
    """Return the schema that stands among the definitions under a name."""
    return {"$ref": f"#/definitions/{name}"}


def where(key: str, value: Schema, then: Schema) -> Schema:
    """Return the schema that holds where a key is there with such a value."""
    return {"if": {"properties": {key: value}, "required": [key]}, "then": then}


def with_key(key: str, then: Schema, otherwise: Schema | None = None) -> Schema:
    """Return the schema that holds where a key is there, and the one where it is not."""
    rule: Schema = {"if": needs(key), "then": then}
    return rule if otherwise is None else {**rule, "else": otherwise}


def needs(*keys: str) -> Schema:
    """Return the schema of a mapping that has some keys."""
    return {"required": list(keys)}


def lacks(key: str) -> Schema:
    """Return the schema of a mapping without a key."""
    return {"not": needs(key)}


def only(keys: Iterable[str]) -> Schema:
    """Return the schema of a mapping without other keys."""
    return {"propertyNames": choice(keys)}


def any_of(*schemas: Schema) -> Schema:
    """Return the schema of what fits one of several."""
    return {"anyOf": list(schemas)}


def all_of(*schemas: Schema) -> Schema:
    """Return the schema of what fits all of several."""
    return {"allOf": list(schemas)}
