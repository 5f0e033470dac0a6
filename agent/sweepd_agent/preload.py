"""Loaded first of all by the programs of the agent: what is large, in the order that takes least memory."""

import os
import sys

INHERITED = dict(os.environ)
"""Environment that runs inherit: without the variable that keeps gRPC silent in the agent itself."""
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

if "asyncio" not in sys.modules:
    # It would load OpenSSL for streams that no agent opens: 4 MiB, and gRPC has its own.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    import asyncio  # noqa: F401

    del sys.modules["ssl"]

import grpc.aio  # noqa: E402, F401 -- loaded after protobuf, it takes 4 MiB more
