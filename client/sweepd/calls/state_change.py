"""Changes of state: pause, resume, stop and cancel, which may be repeated without a request id."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import Message

from sweepd import v1
from sweepd.calls.methods import Method, new_request_id
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError

_QUOTA = "request-quota"
Change = TypeVar(
    "Change",
    v1.PauseSweepRequest,
    v1.ResumeSweepRequest,
    v1.StopSweepRequest,
    v1.CancelSweepRequest,
    v1.StopRunRequest,
)
Changed = TypeVar("Changed", bound=Message)


async def change_state(wire: Wire, method: Method[Change, Changed], request: Change) -> Changed:
    """Return the response; where the server has no room to remember another one, it is not asked to.

    Else nobody whose quota is full could stop a sweep.
    """
    request.request_id = new_request_id()
    try:
        return await wire.one(method, request)
    except ClientError as error:
        if error.reason != _QUOTA:  # in which case nothing was changed
            raise
    request.request_id = ""
    return await wire.one(method, request)
