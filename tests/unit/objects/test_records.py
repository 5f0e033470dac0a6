"""Records of sweeps and runs: equality, names and states, the same for both clients."""

from __future__ import annotations

import pytest

from sweepd import AsyncStoredRun, AsyncSweep, StoredRun, Sweep, errors, v1
from sweepd.calls.grpc_wires import AsyncWire, BlockingWire
from sweepd.calls.wire import states_named
from sweepd.spec.point import Json
from unit.objects.messages import a_run, a_sweep

_BLOCKING, _ASYNCHRONOUS = BlockingWire("127.0.0.1:1", None), AsyncWire("127.0.0.1:1", None)


def test_records_of_one_kind_and_name_are_equal_whatever_their_state() -> None:
    sweep, later = Sweep(_BLOCKING, a_sweep()), AsyncSweep(_ASYNCHRONOUS, a_sweep(revision=2))
    assert {sweep, later} == {sweep}
    run, ended = StoredRun(_BLOCKING, a_run(1)), AsyncStoredRun(_ASYNCHRONOUS, a_run(1, 0.5))
    assert {run, ended} == {run}
    assert run != StoredRun(_BLOCKING, a_run(2))
    # A standalone run may have the name of a sweep.
    assert StoredRun(_BLOCKING, v1.Run(name="a/b/c")) != sweep
    assert sweep != "a/b/c"


def test_a_name_has_three_parts() -> None:
    for record in (Sweep(_BLOCKING, a_sweep()), StoredRun(_BLOCKING, v1.Run(name="a/b/c"))):
        assert (record.name, record.entity, record.project, record.id) == ("a/b/c", "a", "b", "c")


def test_the_repr_of_a_run_has_its_abbreviated_point() -> None:
    params: dict[str, Json] = {"lr": 0.123456789, "opt": {"kind": "sgd", "beta": 0.987654321}, "on": True}
    run = StoredRun(_BLOCKING, a_run(1, 0.123456789, params=params))
    assert repr(run) == (
        "<StoredRun a/b/c-1 finished 0.123457: lr=0.123457, on=True, opt.beta=0.987654, opt.kind='sgd'>"
    )
    assert len(repr(StoredRun(_BLOCKING, a_run(1, params={"text": "x" * 1000})))) < 260


def test_states_can_be_given_as_one_name_or_several() -> None:
    assert states_named(v1.RunState, "failed") == [v1.RUN_STATE_FAILED]
    assert states_named(v1.RunState, ["failed", "crashed"]) == [v1.RUN_STATE_FAILED, v1.RUN_STATE_CRASHED]
    assert states_named(v1.SweepState, ()) == []
    with pytest.raises(
        errors.InvalidError, match="not a state of a sweep: 'unspecified'; the states are pending"
    ):
        states_named(v1.SweepState, "unspecified")
