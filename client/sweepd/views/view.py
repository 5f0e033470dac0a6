"""Declarative views of entities, which define all output formats with one `Field` per value.

A class that describes an entity has a `Field` for each value. The field defines how the value is read from
the message, its name in JSON, its columns in tables, and whether data frames include it. The `View` of the
class builds all output formats; a `Record` also has the values as attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Generic, TypeVar, cast, overload

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from sweepd.spec.point import Json
from sweepd.views.rows import Column, Row
from sweepd.views.values import plain_json, time_of

T = TypeVar("T")
M = TypeVar("M", bound=Message)
Source = str | Callable[[M], T]
"""Field of a message, or a function of the message.

The field may be a path, such as `spec.name`. An unset value is read as None; with a trailing `?`, an empty
value is as well. Enum values are read as words, repeated fields as lists, a zero timestamp as None.
"""
_KINDS = {str: "text", int: "int", float: "float", bool: "bool"}


_message_of = attrgetter("_message")
_name_of = attrgetter("name")


def camel_case(name: str) -> str:
    """Return a name in camel case: `runCap` for `run_cap`."""
    first, *rest = name.split("_")
    return "".join([first, *map(str.capitalize, rest)])


class Field(property, Generic[T]):
    """Descriptor of one value of an entity."""

    def __init__(
        self,
        source: Source[M, T] = "",
        doc: str = "",
        *,
        json: str | None = None,
        columns: Column | Sequence[Column] = (),
        frame: bool = False,
        spread: bool = False,
    ) -> None:
        """Describe a value.

        Args:
            source: field or function that reads the value; default: the field named like the attribute.
            doc: docstring of the attribute.
            json: name in JSON; default: the name of the attribute in camel case.
            columns: columns in tables.
            frame: True to include the value in data frames.
            spread: True to merge the entries of the value, a dictionary, into the JSON.
        """
        super().__init__(self._of)
        self.__doc__ = doc
        self.json = json or ""
        self.frame = frame
        self.spread = spread
        self.kind = "mixed"
        self._source: object = source
        self._columns = (columns,) if isinstance(columns, Column) else tuple(columns)
        self.read: Callable[[Message], object] = repr

    def __set_name__(self, owner: type, name: str) -> None:
        self._source = self._source or name.lstrip("_")
        self.json = self.json or camel_case(name.lstrip("_"))

    @overload
    def __get__(self, instance: None, owner: type, /) -> Field[T]: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None, /) -> T: ...

    def __get__(self, instance: object, owner: type | None = None, /) -> Field[T] | T:
        if instance is None:
            return self
        return cast("T", super().__get__(instance, owner))

    def bind(self, message: type[Message]) -> None:
        """Bind the field to the type of the messages that it reads."""
        self.read, self.kind = reader(message, self._source)

    def columns(self) -> list[Column]:
        """Return the columns, each with the path of its value."""
        return [column if column.path else replace(column, path=self.json) for column in self._columns]

    def _of(self, instance: object) -> object:
        value = self.read(_message_of(instance))
        return time_of(value) if isinstance(value, Timestamp) else value


class View(Generic[M]):
    """Output formats of an entity, built from the fields of the class that describes the entity."""

    def __init__(self, described: type, message: type[M]) -> None:
        """Bind the fields of a class, in order of definition, to the type of the messages that they read."""
        self.fields = [value for value in vars(described).values() if isinstance(value, Field)]
        for field in self.fields:
            field.bind(message)
        self.columns = sorted(
            (column for field in self.fields for column in field.columns()), key=attrgetter("at")
        )
        """Columns of the table, from the left."""
        self.frame_kinds = {field.json: field.kind for field in self.fields if field.frame}
        """Columns of a data frame, each with the kind of its values."""

    def shape(self, message: M) -> Row:
        """Return the JSON of a message."""
        row: Row = {}
        for field in self.fields:
            value = plain_json(field.read(message))
            if field.spread:
                row.update(cast("Row", value))
            else:
                row[field.json] = value
        return row

    def frame(self, message: M) -> dict[str, object]:
        """Return a message as a row of a data frame, with Python values."""
        row = {field.json: field.read(message) for field in self.fields if field.frame}
        return {name: time_of(each) if isinstance(each, Timestamp) else each for name, each in row.items()}


class Record(Generic[M]):
    """Last known state of a sweep or a run; reading an attribute makes no call to the server.

    Two records are equal if both are sweeps or both are runs, and they have the same name.
    """

    _message: M

    @property
    def name(self) -> str:
        """Full name: entity/project/id."""
        return str(_name_of(self._message))

    @property
    def id(self) -> str:
        """Last part of the name."""
        return self.name.rpartition("/")[2]

    @property
    def project(self) -> str:
        """Project: the second part of the name."""
        return self.name.split("/")[1]

    @property
    def entity(self) -> str:
        """Entity: the first part of the name."""
        return self.name.split("/")[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return type(other._message) is type(self._message) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def shaper(message: type[M], /, **sources: Source[M, object]) -> Callable[[M], Row]:
    """Return a function that converts a message of this type to JSON, keeping the field order.

    `sources` maps names in JSON to sources, for fields that are renamed or converted.
    """
    own = {
        source.rstrip("?") if isinstance(source, str) else name: (name, source)
        for name, source in sources.items()
    }
    readers: dict[str, Callable[[Message], object]] = {}
    for field in message.DESCRIPTOR.fields:
        name, source = own.get(field.name) or own.get(field.json_name) or (field.json_name, field.name)
        readers[name] = reader(message, source)[0]
    assert sources.keys() <= readers.keys(), "each source is for a field of the message"
    return lambda found: {name: plain_json(read(found)) for name, read in readers.items()}


def inner(name: str, shape: Callable[[M], Json]) -> Callable[[Message], Json]:
    """Return a source that reads a nested message as JSON: None if unset, a list if repeated."""

    def read(message: Message) -> Json:
        found: object = getattr(message, name)
        if isinstance(found, Message):
            return shape(cast("M", found)) if message.HasField(name) else None
        return [shape(each) for each in cast("Sequence[M]", found)]

    return read


def reader(message: type[Message], source: object) -> tuple[Callable[[Message], object], str]:
    """Return a function that reads the value of `source` from a message, and the kind of that value."""
    if not isinstance(source, str):
        return cast("Callable[[Message], object]", source), "text"
    outer, _, name = source.rstrip("?").rpartition(".")
    sample = attrgetter(outer)(message()) if outer else message()
    read, kind = _field_reader(sample, name, empty_is_none=source.endswith("?"))
    if not outer:
        return read, kind
    get = attrgetter(outer)
    return (lambda found: read(get(found))), kind


def _field_reader(
    sample: Message, name: str, *, empty_is_none: bool
) -> tuple[Callable[[Message], object], str]:
    get = attrgetter(name)
    value: object = get(sample)
    field = sample.DESCRIPTOR.fields_by_name[name]
    if isinstance(value, Timestamp):
        return (lambda found: stamp if (stamp := get(found)).seconds or stamp.nanos else None), "time"
    if not isinstance(value, str | int | float):
        make = dict if isinstance(value, Mapping) else list
        return (lambda found: make(get(found))), "mixed"
    if field.enum_type is not None:
        prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        words: dict[int, str | None] = {
            number: each.name.removeprefix(prefix).lower().replace("_", "-")
            for number, each in field.enum_type.values_by_number.items()
        }
        if empty_is_none:
            words[0] = None
        return (lambda found: words[get(found)]), "text"
    kind = _KINDS[type(value)]
    if field.has_presence:
        return (lambda found: get(found) if found.HasField(name) else None), kind
    return (lambda found: get(found) or None) if empty_is_none else get, kind
