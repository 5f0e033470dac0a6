"""Options of gRPC: it ignores unknown ones, so the library must contain the name of each."""

from pathlib import Path

import grpc
import pytest

from sweepd.rpc import channel
from sweepd_kernel.rpc import listener


@pytest.mark.parametrize("name", sorted({name for name, _ in (*channel.OPTIONS, *listener.OPTIONS)}))
def test_grpc_supports_each_option_that_is_set(name: str) -> None:
    (library,) = Path(grpc.__file__).parent.glob("_cython/cygrpc*.so")
    assert name.encode() + b"\0" in library.read_bytes()
