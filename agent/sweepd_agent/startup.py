"""Start of the agent's programs: the first imports, in the order that takes least memory; the version."""

import os
import sys
from pathlib import Path

INHERITED = dict(os.environ)
"""Environment that runs inherit, without the variable that silences gRPC in the agent itself."""
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

if "asyncio" not in sys.modules:
    # asyncio would load OpenSSL for streams that no agent opens: 4 MiB, and gRPC has its own.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    import asyncio  # noqa: F401

    del sys.modules["ssl"]

import grpc.aio  # noqa: E402, F401 -- loaded after protobuf, it takes 4 MiB more

import sweepd.v1  # noqa: E402, F401 -- `from sweepd import v1` alone would first look for a name of W&B's module

_PREFIX, _SUFFIX = "sweepd-", ".dist-info"


def installed_version() -> str:
    """Return the version in the name of the distribution's folder; `unknown` if there is no folder."""
    for entry in sys.path:
        for folder in Path(entry or ".").glob(f"{_PREFIX}*{_SUFFIX}"):
            return folder.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    return "unknown"
