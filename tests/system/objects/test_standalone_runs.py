"""Standalone runs reported to a real server by the test itself."""

from __future__ import annotations

from typing import Any

import pytest

from blocking_channel import channel
from component.scheduler.scripted_agent import id_of, secret_of
from sweepd import InvalidError, NotYetError, v1
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from system.objects.conftest import Here


@pytest.fixture
def standalone(here: Here) -> v1.Run:
    """Return a standalone run whose agent has reported nothing."""
    with channel(here.server.address, here.server.access_token) as gateway:
        request = v1.CreateRunRequest(parent="local/hand", argv=["python", "train.py"])
        request.agent_id, request.agent_secret = id_of("nobody"), secret_of("nobody")
        request.parameters.entries.add(name="lr").value.double_value = 0.5
        return RunServiceStub(gateway).CreateRun(request).run


def test_a_standalone_run_has_no_sweep_and_can_be_waited_for(client: Any, standalone: v1.Run) -> None:
    run = client.run(standalone.name)
    assert (run.sweep_name, run.sweep(), run.params, run.config) == (None, None, {"lr": 0.5}, {"lr": 0.5})
    assert standalone.name in [found.name for found in client.runs("local/hand", by_hand=True)]
    assert run.command == ["python", "train.py"]
    assert run.wait("running", timeout=10) == run
    with pytest.raises(NotYetError):
        run.wait(timeout="20ms")
    assert "<svg" not in run.html()
    assert (run.summary(), run.history().rows, run.log()) == ({}, [], "")
    assert client.run(run.id) == client.run(f"hand/{run.id}") == run
    with pytest.raises(InvalidError, match=f"{run.id} is a standalone run, which belongs to no sweep"):
        client.sweep(run.id)
