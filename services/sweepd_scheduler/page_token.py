"""Page tokens: opaque to callers, and only good for the call that gave them."""

import base64
import binascii
import hashlib
import json
from math import isfinite
from typing import TypeGuard

from google.protobuf.message import Message

from sweepd_kernel.errors import InvalidFieldError

Place = list[int | float | str]
"""What a list goes on after."""

_DIGEST_BYTES = 9
LARGEST_NUMBER = 2**63 - 1
DEFAULT_SIZE, LARGEST_SIZE = 100, 1_000


class BadTokenError(InvalidFieldError):
    """No answer to such a request gave the token."""

    def __init__(self) -> None:
        super().__init__("page_token", "is not from an answer to this request")


def encoded(place: Place, request: Message) -> str:
    """Return the token with which the list of `request` goes on after `place`."""
    return base64.urlsafe_b64encode(_digest(request) + json.dumps(place).encode()).decode()


def decoded(token: str, request: Message) -> Place | None:
    """Return where the list goes on; None at its beginning.

    Raises:
        BadTokenError: no answer to such a request gave the token.
    """
    if not token:
        return None
    try:
        content = base64.b64decode(token, altchars=b"-_", validate=True)
        place = json.loads(content[_DIGEST_BYTES:])
    except (binascii.Error, ValueError, RecursionError):
        place = None
        content = b""
    if content[:_DIGEST_BYTES] != _digest(request) or not _is_place(place):
        raise BadTokenError
    return place


def page_size(wanted: int) -> int:
    """Return how many entries a page has.

    Raises:
        InvalidFieldError: more than are given.
    """
    if wanted > LARGEST_SIZE:
        raise InvalidFieldError("page_size", f"{wanted} is more than {LARGEST_SIZE}")
    return wanted or DEFAULT_SIZE


def _is_place(place: object) -> TypeGuard[Place]:
    """Whether the database can be asked about it: tokens carry no secret, so anyone can make one."""
    return isinstance(place, list) and all(
        isinstance(each, str)
        or (isinstance(each, float) and isfinite(each))
        or (type(each) is int and 0 <= each <= LARGEST_NUMBER)
        for each in place
    )


def _digest(request: Message) -> bytes:
    asked = type(request)()
    asked.CopyFrom(request)
    for name in ("page_token", "page_size"):
        asked.ClearField(name)
    return hashlib.blake2b(asked.SerializeToString(deterministic=True), digest_size=_DIGEST_BYTES).digest()
