"""Agents that claim an attempt, on a real scheduler and a real metric store."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from component.scheduler.scripted_agent import ScriptedAgent, held, point_batch
from component.scheduler.serving import Installation, a_metric_store, a_scheduler, metric_stub
from component.scheduler.sweeps import RANDOM, create, run
from lanes import LANES, cursor, log_piece, points_piece
from sweepd import v1
from sweepd.rpc.failure import Failure
from waiting import until_async

if TYPE_CHECKING:
    from sweepd.v1.metric_service_pb2_grpc import MetricServiceAsyncStub

REF = v1.AttemptRef(run_handle=9, attempt=1)
SHORT_TIMEOUTS = ("--lease", "500ms", "--lost-after", "1s")


@dataclass
class OwnedRun:
    """Scheduler with a run that is handed out to agent "ann"."""

    installation: Installation
    metrics: "MetricServiceAsyncStub"
    sweep: str
    ann: ScriptedAgent
    start: v1.StartRun
    ref: v1.AttemptRef

    def agent(self, *attempts: v1.HeldAttempt, named: str | None = None) -> ScriptedAgent:
        return ScriptedAgent(self.installation.channel, self.sweep, named=named, held=attempts)

    async def stored_data(self) -> tuple[v1.Run, bytes, bytes, bytes]:
        """Return all that scheduler and metric store have of the run."""
        name = self.start.run
        points = await self.metrics.GetHistory(v1.GetHistoryRequest(runs=[name]))
        log = b"".join([part.content async for part in self.metrics.ReadLog(v1.ReadLogRequest(run=name))])
        files = await self.metrics.ListFiles(v1.ListFilesRequest(run=name))
        found = await run(self.installation, name)
        return found, points.SerializeToString(deterministic=True), log, files.SerializeToString()


@asynccontextmanager
async def an_owned_run(folder: Path, *flags: str) -> AsyncIterator[OwnedRun]:
    store = a_metric_store(folder)
    address = await store.start()
    channel, metrics = metric_stub(address)
    async with a_scheduler(folder, *flags, metrics=address) as installation:
        sweep = await create(installation, RANDOM, "s")
        async with ScriptedAgent(installation.channel, sweep.name, named="ann") as ann:
            await ann.receive("welcome")
            await ann.offer()
            start = await ann.next_start()
            ref = await ann.start_process(start)
            await ann.observe(ref, 1, 0.5)
            await ann.points(ref, 1, 0.5)
            await ann.send(piece=log_piece(ref, 0, b"ann was here\n"))
            stored: dict[v1.Lane.ValueType, int] = {}
            while (stored.get(v1.LANE_LOG), stored.get(v1.LANE_POINTS)) != (13, 1):
                ack = (await ann.receive("ack")).ack
                stored.update({each.lane: each.cursor for each in ack.cursors})
            yield OwnedRun(installation, metrics, sweep.name, ann, start, ref)
    await channel.close()
    await store.stop()


async def live(owned: OwnedRun) -> None:
    pass


async def ended(owned: OwnedRun) -> None:
    await owned.ann.exit(owned.ref, 1, keys=["loss"])
    await owned.ann.acked_exit(owned.ref)


async def handed_back(owned: OwnedRun) -> None:
    await owned.ann.exit(owned.ref, 1, code=None, cause=v1.EXIT_CAUSE_HANDED_BACK)
    await owned.ann.acked_exit(owned.ref)


async def superseded(owned: OwnedRun) -> None:
    await handed_back(owned)
    await owned.ann.offer()
    second = await owned.ann.next_start()
    assert (second.run, second.attempt) == (owned.start.run, 2)
    await owned.ann.start_process(second)

    async def runs() -> bool:
        return (await run(owned.installation, second.run)).state == v1.RUN_STATE_RUNNING

    await until_async(runs)


def all_reports(ref: v1.AttemptRef) -> list[tuple[str, object]]:
    """Return a report of each kind on an attempt, with a piece of each lane."""
    details = v1.RunDetails(display_name="mine now", tags=["mine"], preempting=True)
    exit_ = v1.Exit(cause=v1.EXIT_CAUSE_EXITED, code=0)
    observed = v1.ObservationBatch(
        attempt=ref, first_row=2, last_row=2, observations=[v1.Observation(row=2, value=-1e9)]
    )
    samples = points_piece(ref, 1, point_batch(1, 1e9, key="system.cpu"))
    samples.lane = v1.LANE_SAMPLES
    piece = v1.FilePiece(name="weights.bin", content=b"x", size_bytes=1)
    file = v1.LanePiece(
        attempt=ref, lane=v1.LANE_FILES, start=2**32, end=2**32 + 1, body=piece.SerializeToString()
    )
    pieces = [
        points_piece(ref, 2, point_batch(2, -1e9)),
        samples,
        log_piece(ref, 13, b"eve was here\n"),
        file,
    ]
    return [
        ("run_started", v1.RunStarted(attempt=ref, pid=7, argv=["evil"], resumed_from_step=3)),
        ("observations", observed),
        *(("piece", each) for each in pieces),
        ("details", v1.DetailsReport(attempt=ref, sequence=9, details=details)),
        ("run_exited", v1.RunExited(attempt=ref, last_row=1, exit=exit_, logged_keys=["evil"])),
    ]


def test_all_kinds_of_reports_and_lanes_are_tried() -> None:
    expected = {
        field.name
        for field in v1.AttachRequest.DESCRIPTOR.oneofs_by_name["report"].fields
        if field.message_type is not None and "attempt" in field.message_type.fields_by_name
    }
    tried = all_reports(REF)
    assert {kind for kind, _ in tried} == expected
    assert {each.lane for _, each in tried if isinstance(each, v1.LanePiece)} == set(LANES)


@pytest.mark.parametrize("secret", [b"", secrets.token_bytes(32)], ids=["none", "wrong"])
@pytest.mark.parametrize("reach_state", [live, ended, handed_back, superseded])
def test_an_attempt_is_unknown_to_an_agent_without_its_secret_and_its_reports_change_nothing(
    tmp_path: Path, reach_state: Callable[[OwnedRun], Awaitable[None]], secret: bytes
) -> None:
    async def scenario() -> None:
        async with an_owned_run(tmp_path) as owned:
            await reach_state(owned)
            before = await owned.stored_data()
            claimed = v1.HeldAttempt(run_handle=9, run=owned.start.run, attempt=1, alive=True, secret=secret)
            nonexistent = v1.HeldAttempt(
                run_handle=10, run="local/demo/none-1", attempt=1, alive=True, secret=secret
            )
            async with owned.agent(claimed, nonexistent) as eve:
                existing, unknown = (await eve.receive("welcome")).welcome.verdicts
                assert existing == v1.AttemptVerdict(attempt=REF, fate=v1.ATTEMPT_FATE_UNKNOWN)
                unknown.attempt.CopyFrom(REF)
                assert existing == unknown
                for kind, report in all_reports(REF):
                    await eve.send(**{kind: report})
                    await eve.receive("unsupported")
                await eve.send(heartbeat=v1.Heartbeat(alive=[REF]))
                await eve.receive("heartbeat_seen")
                assert not eve.received
            assert not owned.ann.ended
            assert {each.WhichOneof("command") for each in owned.ann.received} <= {"ack"}
            assert await owned.stored_data() == before

    asyncio.run(scenario())


def test_the_id_of_an_agent_does_not_authenticate_it_and_its_stream_continues(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with an_owned_run(tmp_path) as owned:
            listed = (await owned.installation.agents.ListAgents(v1.ListAgentsRequest())).agents
            assert [each.id for each in listed] == [owned.ann.agent_id]
            for secret in (b"", b"x" * 200, secrets.token_bytes(32), listed[0].id.encode()):
                eve = owned.agent(held(owned.start))
                eve.impersonate(listed[0].id, secret)
                async with eve:
                    error = await eve.end()
                assert error is not None
                assert Failure.of(error).code == "INVALID_ARGUMENT"
                assert not eve.received
            await owned.ann.exit(owned.ref, 1, keys=["loss"])
            assert (await owned.ann.acked_exit(owned.ref)).run_state == v1.RUN_STATE_FINISHED

    asyncio.run(scenario())


def test_an_agent_with_the_state_folder_takes_over_the_run_and_the_older_stream_is_closed(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with an_owned_run(tmp_path) as owned:
            await owned.installation.restart()
            async with owned.agent(held(owned.start), named="ann") as ann:
                (verdict,) = (await ann.receive("welcome")).welcome.verdicts
                assert (verdict.fate, cursor(verdict, v1.LANE_OBSERVATIONS)) == (v1.ATTEMPT_FATE_KEEP, 1)
                async with owned.agent(held(owned.start), named="bob") as bob:
                    (verdict,) = (await bob.receive("welcome")).welcome.verdicts
                    assert (verdict.fate, cursor(verdict, v1.LANE_OBSERVATIONS)) == (v1.ATTEMPT_FATE_KEEP, 1)
                    error = await ann.end()
                    assert error is not None
                    assert Failure.of(error).reason == "stream-replaced"
                    await bob.observe(REF, 2, 0.25)
                    await bob.exit(REF, 2, keys=["loss"])
                    assert (await bob.acked_exit(REF)).run_state == v1.RUN_STATE_FINISHED
            found = await run(owned.installation, owned.start.run)
            assert (found.best_value, [each.agent for each in found.attempts]) == (0.25, [bob.agent_id])
            explanation = await owned.installation.runs.ExplainRun(v1.ExplainRunRequest(name=owned.start.run))
            assert "run-taken-over" in [each.kind for each in explanation.events]

    asyncio.run(scenario())


def test_an_agent_with_the_state_folder_delivers_the_rest_of_an_ended_attempt(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with an_owned_run(tmp_path) as owned:
            await handed_back(owned)
            async with owned.agent(held(owned.start), named="bob") as bob:
                (verdict,) = (await bob.receive("welcome")).welcome.verdicts
                assert verdict.fate == v1.ATTEMPT_FATE_DELIVER
                await bob.send(piece=log_piece(REF, 13, b"bob, too\n"))
                await bob.receive("ack", lambda m: cursor(m.ack, v1.LANE_LOG) == 22)
            assert (await owned.stored_data())[2] == b"ann was here\nbob, too\n"

    asyncio.run(scenario())


def test_an_attempt_of_a_lost_run_is_unknown_to_an_agent_without_its_secret(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with an_owned_run(tmp_path, *SHORT_TIMEOUTS) as owned:
            owned.ann.cut()

            async def lost() -> bool:
                return (await run(owned.installation, owned.start.run)).state == v1.RUN_STATE_PENDING

            await until_async(lost)
            async with owned.agent(named="eve") as eve:
                await eve.offer()
                second = await eve.next_start()
            assert (second.run, second.attempt) == (owned.start.run, 2)
            assert second.secret != owned.start.secret
            for attempt in (1, 2):
                claimed = v1.HeldAttempt(run_handle=9, run=second.run, attempt=attempt, alive=True)
                async with owned.agent(claimed) as other:
                    (verdict,) = (await other.receive("welcome")).welcome.verdicts
                    assert verdict.fate == v1.ATTEMPT_FATE_UNKNOWN

    asyncio.run(scenario())


def test_no_secret_is_stored_listed_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> bytes:
        async with an_owned_run(tmp_path) as owned:
            calls = owned.installation
            answers = [
                await run(calls, owned.start.run),
                await calls.runs.ListRuns(v1.ListRunsRequest(sweep=owned.sweep)),
                await calls.runs.ExplainRun(v1.ExplainRunRequest(name=owned.start.run)),
                await calls.agents.ListAgents(v1.ListAgentsRequest()),
            ]
            shown = "".join(map(str, answers)) + caplog.text
            for secret in (owned.start.secret, owned.ann.secret):
                assert len(secret) == 32
                assert not any(secret in each.SerializeToString() for each in answers)
                assert secret.hex() not in shown
                for file in (tmp_path / "scheduler").rglob("*"):
                    assert not file.is_file() or secret not in file.read_bytes(), file
            return owned.start.secret

    assert asyncio.run(scenario())
