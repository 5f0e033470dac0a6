"""gRPC ignores options that it does not know: each one that we set must be one of its own."""

from pathlib import Path

import grpc
import pytest

from sweepd.rpc import channel
from sweepd_kernel.rpc import listener


@pytest.mark.parametrize("name", sorted({name for name, _ in (*channel.OPTIONS, *listener.OPTIONS)}))
def test_grpc_knows_the_options_that_are_set(name: str) -> None:
    (library,) = Path(grpc.__file__).parent.glob("_cython/cygrpc*.so")
    assert name.encode() + b"\0" in library.read_bytes()
