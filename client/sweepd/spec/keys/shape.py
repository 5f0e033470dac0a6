"""Keys of a sweep file, the shapes that their values have, and the pieces of a JSON Schema (draft 7)."""

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
"""Records what is wrong with the keys of a mapping together, given its usable values by attribute."""


def file_value(value: object) -> Json:
    """Return a value of a specification as a file has it."""
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
    """Values of one kind.

    Args:
        read: returns the value of a key that is there, or None after recording why it is unusable.
        schema: the JSON Schema of the value.
        write: returns the value as a file has it, None where the file leaves it out.
        keys: those of a mapping with keys of its own.
        kind: the dataclass that such a mapping becomes.
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
        name: as the file writes it.
        shape: of its value.
        doc: what editors show beside it.
        attribute: of the dataclass, where it has another name.
        field: of the message, where it has another name; "-" where messages have no such field.
        needed: what follows "needs `name`" in the message where the key is missing; None: it may be missing.
        default: what editors fill in.
        brief: whether documents leave the default value out.
        shown: whether `-o json` has it.
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
        """Return the name of the attribute."""
        return self.attribute or self.name


def read_keys(mapping: Fields, keys: Sequence[Key]) -> dict[str, object]:
    """Return the usable values of a mapping by attribute, recording what is wrong with the others."""
    for key in keys:
        if key.needed is not None:
            mapping.need(key.name, key.needed)
    read = ((key.attr, key.shape.read(mapping, key.name)) for key in keys if key.name in mapping)
    return {attribute: value for attribute, value in read if value is not None}


def written(keys: Sequence[Key], value: object, *, brief: bool = False) -> dict[str, Json]:
    """Return the document of a dataclass; with `brief`, without what has its default."""
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
    """Return the defaults of a dataclass."""
    defaults: dict[str, object] = {}
    for each in fields(kind):
        if each.default is not MISSING:
            defaults[each.name] = each.default
        elif each.default_factory is not MISSING:
            defaults[each.name] = each.default_factory()
    return defaults


def properties(keys: Sequence[Key]) -> dict[str, Schema]:
    """Return the schemas of keys, with what editors show."""
    return {
        key.name: described(key.doc, key.shape.schema, key.default) if key.doc else key.shape.schema
        for key in keys
    }


def closed(keys: Sequence[Key], **rules: object) -> Schema:
    """Return the schema of a mapping that has these keys and no others."""
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
        build: makes the dataclass of the values by attribute.
        keys: its keys.
        wanted: what the mapping must be, in a message.
        check: records what is wrong with its keys together.
        rules: further rules of its schema.
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
    """Return what a mapping becomes, None where a needed key is unusable; others read the keys `beside`."""
    mapping.check_keys([*beside, *(key.name for key in keys)], where)
    values = read_keys(mapping, keys)
    if check is not None:
        check(mapping, values)
    return build(**values) if all(key.needed is None or key.attr in values for key in keys) else None


def _document(keys: Sequence[Key], value: object) -> Json:
    return None if value is None else written(keys, value)


def text(*, blank_allowed: bool = False, longest: int | None = None) -> ValueShape:
    """Return the shape of text; `longest` is for its schema alone."""
    schema: Schema = {"type": "string"}
    if not blank_allowed:
        schema |= {"minLength": 1, "pattern": r"\S"}
    if longest is not None:
        schema["maxLength"] = longest
    return ValueShape(lambda mapping, key: mapping.text(key, blank_allowed=blank_allowed), schema)


def integer(minimum: int = INT64_MIN, maximum: int = INT64_MAX) -> ValueShape:
    """Return the shape of an integer within bounds; to a schema, as to most keys, 20.0 is one."""
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
    """Return the shape of a number; `wanted` replaces its bounds in messages."""

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
    """Return the shape of one of the words of an enumeration; editors show what each means."""
    schema = choice(legal) if meanings is None else explained(meanings)
    return ValueShape(lambda mapping, key: mapping.choice(key, legal), schema)


def one_of(legal: Sequence[str]) -> ValueShape:
    """Return the shape of one of some words."""
    return ValueShape(lambda mapping, key: mapping.word(key, legal), choice(legal))


BOOLEAN: Final = ValueShape(Fields.boolean, {"type": "boolean"})
DURATION: Final = ValueShape(
    Fields.duration,
    {"type": "string", "pattern": r"^(?=.*[1-9])([0-9]+(\.[0-9]+)?(ms|d|h|m|s))+$"},
    lambda value: duration_text(value) if isinstance(value, float) else None,
)


ANYTHING: Final[Schema] = {}


def choice(legal: Iterable[object]) -> Schema:
    """Return the schema of one of some values."""
    return {"enum": list(legal)}


def explained(meanings: Mapping[str, str]) -> Schema:
    """Return the schema of one of some words; editors show what each means."""
    return {"enum": list(meanings), "enumDescriptions": list(meanings.values())}


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
