"""Sweeps and runs as a server would send them."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.codec.values import point_message
from sweepd.spec.point import Json

NAME = "local/train/k3x9v2ab"


def a_time(seconds: int) -> Timestamp:
    return Timestamp(seconds=1_700_000_000 + seconds)


def a_sweep(
    name: str = NAME,
    *,
    state: v1.SweepState.ValueType = v1.SWEEP_STATE_RUNNING,
    cap: int | None = 3,
    best: tuple[int, float] | None = None,
) -> v1.Sweep:
    """Return a sweep; `best`: number and value of its best run."""
    spec = v1.SweepSpec(
        program="train.py",
        method=v1.SEARCH_METHOD_RANDOM,
        metric=v1.Metric(name="val_loss", goal=v1.GOAL_MINIMIZE),
        run_cap=cap,
        seed=7,
    )
    sweep = v1.Sweep(name=name, spec=spec, state=state, planned_runs=cap, create_time=a_time(0))
    if best is not None:
        sweep.best_run, sweep.best_value = f"{name}-{best[0]}", best[1]
    return sweep


def a_run(
    number: int = 1,
    *,
    sweep: str = NAME,
    state: v1.RunState.ValueType = v1.RUN_STATE_FINISHED,
    value: float | None = None,
    params: dict[str, Json] | None = None,
) -> v1.Run:
    attempt = v1.Attempt(
        number=1,
        agent="agent-1",
        host="box",
        state=v1.ATTEMPT_STATE_ENDED if state >= v1.RUN_STATE_FINISHED else v1.ATTEMPT_STATE_RUNNING,
        assign_time=a_time(number),
        argv=["/usr/bin/env", "python", "train.py", "--lr=0.5"],
    )
    return v1.Run(
        name=f"{sweep}-{number}",
        sweep=sweep,
        number=number,
        state=state,
        attempt=1,
        parameters=point_message({"lr": 0.5} if params is None else params),
        attempts=[attempt],
        best_value=value,
        value=value,
        create_time=a_time(number),
    )
