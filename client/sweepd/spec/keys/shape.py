"""Keys of a sweep file, shapes of their values, and building blocks of a JSON Schema (draft 7)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Final, TypeVar

from sweepd.durations import duration_text
from sweepd.spec.limits import INT64_MAX, INT64_MIN
from sweepd.spec.loading.fields import Fields
from sweepd.spec.point import Json, Number
from sweepd.spec.wording import shown

T = TypeVar("T")
Schema = dict[str, object]
Check = Callable[[Fields, dict[str, object]], None]
"""Function that validates a combination of keys, given the valid values by attribute."""


def file_value(value: object) -> Json:
    """Return a value of a specification as written in a file."""
    match value:
        case StrEnum():
            return value.value
        case tuple():
            return [file_value(item) for item in value]
        case Mapping():
            return dict(value)
        case None | bool() | int() | float() | str() | list():
            return value
        case _:
            raise TypeError(type(value).__name__)


@dataclass(frozen=True, slots=True)
class ValueShape:
    """Reader, schema and writer of one kind of value.

    Args:
        read: returns the value of an existing key; None if it is unset, or invalid (recorded as an error).
        schema: the JSON Schema of the value.
        write: returns the value as written in a file, or None if the file omits it.
        keys: keys of the value, if it is a mapping with fixed keys.
        kind: the dataclass built from that mapping.
    """

    read: Callable[[Fields, str], object]
    schema: Schema
    write: Callable[[object], Json] = file_value
    keys: tuple["Key", ...] = ()
    kind: type | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping.

    Args:
        name: name of the key in the file.
        shape: shape of its value.
        doc: description shown by editors.
        attribute: name of the dataclass attribute, if it differs.
        field: name of the message field, if it differs; "-" if messages have no such field.
        needed: text after "needs `name`" in the message about a missing key; None if the key is optional.
        default: default value in the schema.
        brief: whether documents omit the default value.
        shown: whether `-o json` includes the key.
    """

    name: str
    shape: ValueShape
    doc: str
    attribute: str = ""
    field: str = ""
    needed: str | None = None
    default: Json = None
    brief: bool = False
    shown: bool = True

    @property
    def attr(self) -> str:
        """The name of the attribute."""
        return self.attribute or self.name


def read_keys(mapping: Fields, keys: Sequence[Key]) -> dict[str, object]:
    """Return the valid values of a mapping by attribute; record an error for each invalid one."""
    for key in keys:
        if key.needed is not None:
            mapping.need(key.name, key.needed)
    read = ((key.attr, key.shape.read(mapping, key.name)) for key in keys if key.name in mapping)
    return {attribute: value for attribute, value in read if value is not None}


def written(keys: Sequence[Key], value: object, *, brief: bool = False) -> dict[str, Json]:
    """Return the document of a dataclass; with `brief`, omit attributes that have their defaults."""
    usual = defaults_of(type(value)) if brief or any(key.brief for key in keys) else {}
    document: dict[str, Json] = {}
    for key in keys:
        attribute = getattr(value, key.attr)
        if (brief or key.brief) and key.attr in usual and attribute == usual[key.attr]:
            continue
        if (text := key.shape.write(attribute)) is not None:
            document[key.name] = text
    return document


def defaults_of(kind: type) -> dict[str, object]:
    """Return the default of each dataclass field that has one."""
    defaults: dict[str, object] = {}
    for each in fields(kind):
        if each.default is not MISSING:
            defaults[each.name] = each.default
        elif each.default_factory is not MISSING:
            defaults[each.name] = each.default_factory()
    return defaults


def properties(keys: Sequence[Key]) -> dict[str, Schema]:
    """Return the schemas of keys, with their descriptions."""
    return {
        key.name: described(key.doc, key.shape.schema, key.default) if key.doc else key.shape.schema
        for key in keys
    }


def closed(keys: Sequence[Key], **rules: object) -> Schema:
    """Return the schema of a mapping that allows these keys and no others."""
    needed = [key.name for key in keys if key.needed is not None]
    required = {"required": needed} if needed else {}
    inner = {"type": "object", "properties": properties(keys), "additionalProperties": False}
    return {**inner, **required, **rules}


def record(
    build: Callable[..., object],
    keys: Sequence[Key],
    wanted: str,
    check: Check | None = None,
    **rules: object,
) -> ValueShape:
    """Return the shape of a mapping that becomes a dataclass.

    Args:
        build: builds the dataclass from the values by attribute.
        keys: keys of the mapping.
        wanted: description of the mapping in error messages.
        check: validates the combination of keys.
        rules: further keywords of its schema.
    """

    def read(outer: Fields, name: str) -> object:
        inner = outer.inner(name, wanted)
        return None if inner is None else read_record(inner, build, keys, f"`{name}`", check)

    kind = build if isinstance(build, type) else None
    return ValueShape(read, closed(keys, **rules), lambda value: _document(keys, value), tuple(keys), kind)


def read_record(
    mapping: Fields,
    build: Callable[..., T],
    keys: Sequence[Key],
    where: str,
    check: Check | None = None,
    beside: Sequence[str] = (),
) -> T | None:
    """Build a record from a mapping; return None if a required key is missing or invalid. Skip `beside`."""
    mapping.check_keys([*beside, *(key.name for key in keys)], where)
    values = read_keys(mapping, keys)
    if check is not None:
        check(mapping, values)
    return build(**values) if all(key.needed is None or key.attr in values for key in keys) else None


def _document(keys: Sequence[Key], value: object) -> Json:
    return None if value is None else written(keys, value)


def text(*, blank_allowed: bool = False, longest: int | None = None) -> ValueShape:
    """Return the shape of text; `longest` applies to its schema only."""
    schema: Schema = {"type": "string"}
    if not blank_allowed:
        schema |= {"minLength": 1, "pattern": r"\S"}
    if longest is not None:
        schema["maxLength"] = longest
    return ValueShape(lambda mapping, key: mapping.text(key, blank_allowed=blank_allowed), schema)


def integer(minimum: int = INT64_MIN, maximum: int = INT64_MAX) -> ValueShape:
    """Return the shape of an integer within bounds; 20.0 counts as an integer."""
    schema: Schema = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return ValueShape(lambda mapping, key: mapping.integer(key, minimum, maximum), schema)


def number(
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    wanted: str = "",
    convert: Callable[[Number], Number] | None = None,
) -> ValueShape:
    """Return the shape of a number; `wanted` replaces the bounds in messages."""

    def read(mapping: Fields, key: str) -> Number | None:
        value = mapping.number(key)
        if value is None:
            return None
        broken = ""
        if above is not None and value <= above:
            broken = f"greater than {above}"
        elif least is not None and value < least:
            broken = f"at least {least}"
        elif most is not None and value > most:
            broken = f"at most {most:,.0f}"
        if broken:
            mapping.error("out-of-range", f"must be {wanted or broken}, not {shown(value)}", key=key)
            return None
        return value if convert is None else convert(value)

    bounds = {"exclusiveMinimum": above, "minimum": least, "maximum": most}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return ValueShape(read, {"type": "number", **given})


def words(legal: type[StrEnum], meanings: Mapping[str, str] | None = None) -> ValueShape:
    """Return the shape of an enumeration; editors show the meaning of each word."""
    schema = choice(legal) if meanings is None else explained(meanings)
    return ValueShape(lambda mapping, key: mapping.choice(key, legal), schema)


def one_of(legal: Sequence[str]) -> ValueShape:
    """Return the shape of a choice among words."""
    return ValueShape(lambda mapping, key: mapping.word(key, legal), choice(legal))


BOOLEAN: Final = ValueShape(Fields.boolean, {"type": "boolean"})
DURATION: Final = ValueShape(
    Fields.duration,
    {"type": "string", "pattern": r"^(?=.*[1-9])([0-9]+(\.[0-9]+)?(ms|d|h|m|s))+$"},
    lambda value: duration_text(value) if isinstance(value, float) else None,
)


ANYTHING: Final[Schema] = {}


def choice(legal: Iterable[object]) -> Schema:
    """Return the schema of a choice among values."""
    return {"enum": list(legal)}


def explained(meanings: Mapping[str, str]) -> Schema:
    """Return the schema of a choice among words; editors show the meaning of each word."""
    return {"enum": list(meanings), "enumDescriptions": list(meanings.values())}


def items(item: Schema, **bounds: object) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": item, **bounds}


def described(description: str, schema: Schema, default: object = None) -> Schema:
    """Return a schema with a description and, if given, a default."""
    shown: Schema = {"description": description, **schema}
    return shown if default is None else {**shown, "default": default}


def reference(name: str) -> Schema:
    """Return a reference to the definition of this name."""
    return {"$ref": f"#/definitions/{name}"}


def where(key: str, value: Schema, then: Schema) -> Schema:
    """Return a schema that applies `then` if a key is present and its value matches `value`."""
    return {"if": {"properties": {key: value}, "required": [key]}, "then": then}


def with_key(key: str, then: Schema, otherwise: Schema | None = None) -> Schema:
    """Return a schema that applies `then` if a key is present, else `otherwise`."""
    rule: Schema = {"if": needs(key), "then": then}
    return rule if otherwise is None else {**rule, "else": otherwise}


def needs(*keys: str) -> Schema:
    """Return the schema of a mapping that has all these keys."""
    return {"required": list(keys)}


def lacks(key: str) -> Schema:
    """Return the schema of a mapping that does not have this key."""
    return {"not": needs(key)}


def only(keys: Iterable[str]) -> Schema:
    """Return the schema of a mapping that has no keys other than these."""
    return {"propertyNames": choice(keys)}


def any_of(*schemas: Schema) -> Schema:
    """Return the schema of a value that matches at least one of several schemas."""
    return {"anyOf": list(schemas)}


def all_of(*schemas: Schema) -> Schema:
    """Return the schema of a value that matches all of several schemas."""
    return {"allOf": list(schemas)}
