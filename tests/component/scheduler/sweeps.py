"""Sweep files of the tests, and short forms of calls."""

from collections.abc import Awaitable

import grpc.aio
import pytest

from component.scheduler.serving import Installation
from sweepd import v1
from sweepd.rpc.failure import Failure

GRID = b"""
program: train.py
method: grid
metric: {name: loss}
parameters: {a: {values: [1, 2, 3]}, b: {values: [x, y]}}
"""
RANDOM = b"""
program: train.py
method: random
metric: {name: loss}
parameters: {x: {min: 0.0, max: 1.0}}
"""
CAPPED = RANDOM + b"run_cap: 40\n"
HALVING = RANDOM + b"early_terminate: {type: hyperband, min_iter: 1, eta: 2}\n"
BAYES = RANDOM.replace(b"random", b"bayes") + b"run_cap: 8\n"


async def create(
    installation: Installation,
    content: bytes,
    sweep_id: str = "",
    request_id: str = "",
    *,
    parent: str = "local/demo",
) -> v1.Sweep:
    file = v1.SweepFile(file_name="sweep.yaml", content=content)
    request = v1.CreateSweepRequest(parent=parent, sweep_id=sweep_id, file=file, request_id=request_id)
    return (await installation.sweeps.CreateSweep(request)).sweep


async def get(installation: Installation, sweep: str) -> v1.Sweep:
    return (await installation.sweeps.GetSweep(v1.GetSweepRequest(name=sweep))).sweep


async def run(installation: Installation, name: str) -> v1.Run:
    return (await installation.runs.GetRun(v1.GetRunRequest(name=name))).run


async def failure(call: Awaitable[object]) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return Failure.of(refused.value)
