"""Repeated requests, on a real scheduler: they get the first response; P22."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from component.scheduler.serving import SERVICE_TOKEN, Installation, a_scheduler
from component.scheduler.sweeps import RANDOM, create
from sweepd import v1
from sweepd.codec.values import point_message
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd_kernel.auth.principal import Bounds, Principal
from sweepd_kernel.auth.principal_codec import PRINCIPAL_KEY, encode_principal
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_scheduler.domain.agents.agent import GuardRecord, QuarantineCause
from sweepd_scheduler.domain.effects import GuardChanged
from sweepd_scheduler.store.store import SqlStore

BIG = RANDOM + b"# " + b"x" * 500_000 + b"\n"


def stored_bytes(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "scheduler" / "scheduler.sqlite")) as database, database:
        return int(database.execute("select coalesce(sum(length(response)), 0) from request").fetchone()[0])


def metadata_of(name: str, *projects: str) -> tuple[tuple[str, str | bytes], ...]:
    """Return the metadata of a service that vouches for an account."""
    principal = Principal(name, "person", Scope.WRITE, Bounds(frozenset(projects)), f"token-of-{name}")
    return (("authorization", f"Bearer {SERVICE_TOKEN}"), (PRINCIPAL_KEY, encode_principal(principal)))


def test_responses_with_large_files_take_little_room_and_are_repeated_in_full(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            file = v1.SweepFile(file_name="big.yaml", content=BIG)
            request = v1.CreateSweepRequest(parent="local/p", sweep_id="s", file=file, request_id="create")
            made = await installation.sweeps.CreateSweep(request)
            assert made.sweep.file.content == BIG
            paused = [
                await installation.sweeps.PauseSweep(
                    v1.PauseSweepRequest(name=made.sweep.name, request_id=f"pause-{number}")
                )
                for number in range(20)
            ]
            assert stored_bytes(tmp_path) < 30_000
            edit = v1.UpdateSweepRequest(request_id="edit")
            edit.sweep.name = made.sweep.name
            edit.sweep.spec.description = "changed"
            edit.update_mask.paths.append("spec.description")
            edited = await installation.sweeps.UpdateSweep(edit)
            assert edited.sweep.spec.description == "changed"
            await installation.restart()
            assert await installation.sweeps.CreateSweep(request) == made
            repeated = v1.PauseSweepRequest(name=made.sweep.name, request_id="pause-7")
            assert await installation.sweeps.PauseSweep(repeated) == paused[7]
            assert await installation.sweeps.UpdateSweep(edit) == edited

    asyncio.run(scenario())


def test_accounts_and_projects_may_use_the_same_request_ids(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweeps = [await create(installation, RANDOM, "s", parent=f"local/{name}") for name in "pq"]
            channel = grpc.aio.insecure_channel(installation.scheduler.address)
            runs = RunServiceStub(channel)
            for account in ("ann", "bob"):
                for sweep in sweeps:
                    request = v1.EnqueueRunRequest(sweep=sweep.name, request_id="r")
                    request.parameters.CopyFrom(point_message({"x": 0.5}))
                    metadata = metadata_of(account, "local/p", "local/q")
                    first = await runs.EnqueueRun(request, metadata=metadata)
                    assert await runs.EnqueueRun(request, metadata=metadata) == first
                    assert first.runs[0].sweep == sweep.name
                    request.first = True
                    with pytest.raises(grpc.aio.AioRpcError) as refused:
                        await runs.EnqueueRun(request, metadata=metadata)
                    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
            await channel.close()

    asyncio.run(scenario())


def test_a_repeated_release_names_no_sweep_of_projects_that_the_token_does_not_cover(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            await quarantine_in_two_sweeps(installation, tmp_path)
            channel = grpc.aio.insecure_channel(installation.scheduler.address)
            agents = AgentServiceStub(channel)
            request = v1.ReleaseAgentRequest(agent="a", request_id="r")
            released = await agents.ReleaseAgent(request, metadata=metadata_of("ann", "local/p"))
            assert list(released.sweeps) == ["local/p/s"]
            other = await agents.ReleaseAgent(request, metadata=metadata_of("ann", "local/q"))
            assert list(other.sweeps) == ["local/q/s"]
            repeated = await agents.ReleaseAgent(request, metadata=metadata_of("ann", "local/p"))
            assert repeated == released
            await channel.close()

    asyncio.run(scenario())


async def quarantine_in_two_sweeps(installation: Installation, folder: Path) -> None:
    """Create a sweep in each of two projects, and store a quarantine of an agent in both."""
    for name in "pq":
        await create(installation, RANDOM, "s", parent=f"local/{name}")
    await installation.scheduler.stop()
    store = SqlStore(SqliteEngine(folder / "scheduler" / "scheduler.sqlite", "scheduler"))
    guarded = GuardRecord(failures=5, quarantine=QuarantineCause.FAILURES, reason="exited with code 1")
    store.commit([GuardChanged(key, "a", guarded) for key in (1, 2)], 1_000)
    store.close()
    await installation.scheduler.start()
