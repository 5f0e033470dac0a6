"""Fields that a message takes from an entity as they are: those of the same name and a plain type."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_TYPES = {
    FieldDescriptor.CPPTYPE_STRING: (str, bytes),
    FieldDescriptor.CPPTYPE_BOOL: (bool,),
    FieldDescriptor.CPPTYPE_INT32: (int,),
    FieldDescriptor.CPPTYPE_INT64: (int,),
    FieldDescriptor.CPPTYPE_UINT32: (int,),
    FieldDescriptor.CPPTYPE_UINT64: (int,),
    FieldDescriptor.CPPTYPE_DOUBLE: (float,),
}


def plain_fields(message: type[Message], entity: type) -> Callable[[object], dict[str, Any]]:
    """Return a function that returns them by name; a new one needs no line where messages are made.

    It is compiled from their names, as messages of runs are made by the thousand.
    """
    types = {each.name: _TYPES.get(each.cpp_type, ()) for each in message.DESCRIPTOR.fields}
    names = [each.name for each in fields(entity) if _plain(each.type) in types.get(each.name, ())]
    values = ", ".join(f'"{name}": thing.{name}' for name in names)
    returned: Callable[[object], dict[str, Any]] = eval(f"lambda thing: {{{values}}}")  # noqa: S307 (our own names)
    return returned


def _plain(hint: object) -> object:
    """Return the type of a value that may be missing, or of those in a tuple."""
    arguments = get_args(hint)
    return arguments[0] if arguments else hint
