"""First imports of the agent's programs, in the order that takes the least memory; the installed version."""

import os
import sys
from pathlib import Path

INHERITED = dict(os.environ)
"""Environment that runs inherit, copied before `GRPC_VERBOSITY` is set for the agent itself."""
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

if "asyncio" not in sys.modules:
    # asyncio would load OpenSSL (4 MiB) for TLS streams, which no agent opens; gRPC has its own TLS.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    import asyncio  # noqa: F401

    del sys.modules["ssl"]

import grpc.aio  # noqa: E402, F401 -- if loaded after protobuf, it takes 4 MiB more

import sweepd.v1  # noqa: E402, F401 -- `from sweepd import v1` alone would first call `sweepd.__getattr__`

_PREFIX, _SUFFIX = "sweepd-", ".dist-info"


def installed_version() -> str:
    """Return the version in the name of sweepd's `.dist-info` folder; `unknown` if there is no folder."""
    for entry in sys.path:
        for folder in Path(entry or ".").glob(f"{_PREFIX}*{_SUFFIX}"):
            return folder.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    return "unknown"
