"""Page tokens: opaque to callers, bound to the call that gave them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from google.protobuf.message import Message

from sweepd_kernel.errors import InvalidFieldError
from sweepd_metric_store.domain.chunks import MAX_ROW
from sweepd_metric_store.ports import Position

_DIGEST_BYTES = 9


def encoded(position: Position | None, request: Message) -> str:
    """Return the token for `position` in the answer to `request`; empty at the end."""
    if position is None:
        return ""
    text = json.dumps([position.run_id, position.key, position.attempt, position.row])
    return base64.urlsafe_b64encode(_digest(request) + text.encode()).decode()


def decoded(token: str, request: Message) -> Position:
    """Return the position that `token` names.

    Raises:
        InvalidFieldError: no answer to such a request gave it.
    """
    if not token:
        return Position()
    try:
        content = base64.b64decode(token, altchars=b"-_", validate=True)
        if content[:_DIGEST_BYTES] != _digest(request):
            raise ValueError("the token of another request")
        match json.loads(content[_DIGEST_BYTES:]):
            case [int(run_id), str(key), int(attempt), int(row)] if _storable(run_id, attempt, row, key):
                return Position(run_id=run_id, key=key, attempt=attempt, row=row)
            case _:
                raise ValueError("not a position")
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidFieldError("page_token", "is not from an answer to this request") from None


def _storable(run_id: int, attempt: int, row: int, key: str) -> bool:
    """Whether the database can be asked about it: tokens carry no secret, so anyone can make one."""
    key.encode()  # half of a pair of surrogates is a ValueError
    return 0 <= min(run_id, attempt, row) <= max(run_id, attempt, row) <= MAX_ROW


def _digest(request: Message) -> bytes:
    asked = type(request)()
    asked.CopyFrom(request)
    for name in ("page_token", "page_size"):
        if name in asked.DESCRIPTOR.fields_by_name:
            asked.ClearField(name)
    content = asked.SerializeToString(deterministic=True)
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
