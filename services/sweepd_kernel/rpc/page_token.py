"""Page tokens: opaque to callers, and valid only for the request whose response contained them."""

import base64
import binascii
import hashlib
import json
from math import isfinite
from typing import TypeGuard, TypeVar

from google.protobuf.message import Message

from sweepd_kernel.errors import InvalidFieldError

K = TypeVar("K", int, str)
SortKey = list[int | float | str]
"""Sort key of the last entry of a page, after which the next page begins."""

_DIGEST_BYTES = 9
MAX_NUMBER = 2**63 - 1
DEFAULT_SIZE, MAX_SIZE = 100, 1_000


class BadPageTokenError(InvalidFieldError):
    """The page token is malformed or belongs to another request."""

    def __init__(self) -> None:
        super().__init__("page_token", "it is not from a response to this request")


def encoded(key: SortKey, request: Message) -> str:
    """Return the token with which the list of `request` continues after `key`."""
    return base64.urlsafe_b64encode(_digest(request) + json.dumps(key).encode()).decode()


def decoded(token: str, request: Message) -> SortKey | None:
    """Return the sort key after which the list continues; None at its start.

    Raises:
        BadPageTokenError: the token is not from a response to this request.
    """
    if not token:
        return None
    try:
        content = base64.b64decode(token, altchars=b"-_", validate=True)
        key = json.loads(content[_DIGEST_BYTES:])
    except (binascii.Error, ValueError, RecursionError):
        raise BadPageTokenError from None
    if content[:_DIGEST_BYTES] != _digest(request) or not _is_sort_key(key):
        raise BadPageTokenError
    return key


def single(token: str, request: Message, kind: type[K]) -> K | None:
    """Return the sort key of a list whose keys are a single value of type `kind`; None at its start.

    Raises:
        BadPageTokenError: the token is not from a response to this request.
    """
    match decoded(token, request):
        case None:
            return None
        case [value] if isinstance(value, kind):
            return value
        case _:
            raise BadPageTokenError


def page_size(wanted: int) -> int:
    """Return the number of entries of a page; 0 means the default.

    Raises:
        InvalidFieldError: `wanted` is greater than the maximum.
    """
    if wanted > MAX_SIZE:
        raise InvalidFieldError("page_size", f"{wanted} is more than {MAX_SIZE}")
    return wanted or DEFAULT_SIZE


def _is_sort_key(key: object) -> TypeGuard[SortKey]:
    """Return True if a key has only values that a database can compare; keys may be forged."""
    return isinstance(key, list) and all(map(_is_storable, key))


def _is_storable(part: object) -> bool:
    match part:
        case bool():
            return False
        case int():
            return 0 <= part <= MAX_NUMBER
        case float():
            return isfinite(part)
        case str():
            # A lone surrogate is legal in JSON, but cannot be stored.
            return not any("\ud800" <= letter <= "\udfff" for letter in part)
        case _:
            return False


def _digest(request: Message) -> bytes:
    copy = type(request)()
    copy.CopyFrom(request)
    for name in ("page_token", "page_size"):
        if name in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(name)
    return hashlib.blake2b(copy.SerializeToString(deterministic=True), digest_size=_DIGEST_BYTES).digest()
