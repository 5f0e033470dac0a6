"""Names of calls."""

from __future__ import annotations

import uuid


def new_request_id() -> str:
    """Return a name for one call, under which a repeat does no harm."""
    return str(uuid.uuid4())
