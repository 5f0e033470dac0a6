"""Hostile requests: messages whose fields have values that may cause failures."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from typing import cast

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from sweepd.agent_identity import agent_id

TEXTS = (
    "",
    "local/demo/known",
    "local/demo/known-1",
    "local/demo/known:1",
    "local/demo",
    "local/demo/known-99999999999999999999",
    "local/demo/known-0",
    "a/b/c/d/e",
    "../../../etc/passwd",
    "local/demo/\u202e\x00\x1b[2J",
    "x' or 1=1; drop table run; --",
    "日本語/ü/é",
    "9" * 30,
    "-1",
    "x" * 70_000,
)
BYTES = (
    b"",
    b"\x00\xff" * 50,
    b"method: grid\nparameters: {a: {values: [1]}}\n",
    b"\xef\xbb\xbf{",
    b"a: &a [*a]\n",
)
DOUBLES = (0.0, -0.0, float("nan"), float("inf"), float("-inf"), 1e308, 5e-324, -1.0)
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (0, 1, -1, 2**31 - 1, -(2**31)),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 7, 2**31, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 2**31, 2**63, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (0, 1, 2, 3, 99, -1),
}
MAX_DEPTH = 6
POSITIONS: tuple[object, ...] = (
    None,
    [],
    [None],
    ["x"],
    [-1],
    [2**63],
    [10**30],
    [1, "x"],
    [1, 1e400],
    [True, True],
    [[1]],
    {"a": 1},
    [1.5, 2, 3],
    ["local/demo/known", 1, "loss", 1, 1],
)


def messages(method: MethodDescriptor, count: int, seed: int = 0) -> Iterator[Message]:
    """Yield requests of a method, beginning with the empty one."""
    kind = GetMessageClass(method.input_type)
    yield kind()
    dice = random.Random(f"{method.full_name} {seed}")
    for _ in range(count):
        message = kind()
        _fill(message, dice, 0)
        yield message


def forged_tokens(request: Message) -> Iterator[str]:
    """Yield page tokens with the checksum of a request and positions that no response contained."""
    asked = type(request)()
    asked.CopyFrom(request)
    for name in {"page_token", "page_size"}.intersection(asked.DESCRIPTOR.fields_by_name):
        asked.ClearField(name)
    content = asked.SerializeToString(deterministic=True)
    for mark in (hashlib.blake2b(content, digest_size=9).digest(), b"", b"123456789"):
        for place in POSITIONS:
            yield base64.urlsafe_b64encode(mark + json.dumps(place).encode()).decode()
    yield from ("x", "====", "\x00", "é", "AAAA" * 10_000)


def _fill(message: Message, dice: random.Random, depth: int) -> None:
    for each in message.DESCRIPTOR.fields:
        field = cast("FieldDescriptor", each)
        if dice.random() < 0.35:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for _ in range(dice.choice((1, 50))):
                getattr(message, field.name)[dice.choice(TEXTS)] = dice.choice(TEXTS)
        elif field.message_type is not None:
            _fill_child(message, field, dice, depth)
        elif field.is_repeated:
            count = dice.choice((0, 1, 3, 200))
            getattr(message, field.name).extend(_scalar(field, dice) for _ in range(count))
        else:
            setattr(message, field.name, _scalar(field, dice))
    has_identity = "agent_secret" in message.DESCRIPTOR.fields_by_name
    if has_identity and dice.random() < 0.8:
        secret = b"of a hostile agent"
        message.agent_id, message.agent_secret = agent_id(secret), secret  # type: ignore[attr-defined]


def _fill_child(message: Message, field: FieldDescriptor, dice: random.Random, depth: int) -> None:
    if depth >= MAX_DEPTH:
        return
    if field.is_repeated:
        for _ in range(dice.choice((0, 1, 3))):
            _fill(getattr(message, field.name).add(), dice, depth + 1)
    else:
        child = getattr(message, field.name)
        child.SetInParent()
        _fill(child, dice, depth + 1)


def _scalar(field: FieldDescriptor, dice: random.Random) -> object:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return dice.choice(BYTES if field.type == FieldDescriptor.TYPE_BYTES else TEXTS)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return dice.random() < 0.5
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return dice.choice(DOUBLES)
    return dice.choice(_INTEGERS[field.cpp_type])
