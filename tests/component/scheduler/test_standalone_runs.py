"""Rpcs of standalone runs, on a real scheduler."""

import asyncio
import time
from pathlib import Path

from component.scheduler.scripted_agent import ScriptedAgent, id_of, secret_of
from component.scheduler.serving import Installation, a_scheduler
from component.scheduler.sweeps import RANDOM, create, failure, run
from sweepd import v1
from sweepd.codec.values import point_message
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_scheduler.api import requester
from sweepd_scheduler.domain.effects import Change
from sweepd_scheduler.domain.events import ClockReading, Timeouts
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.store.store import SqlStore
from sweepd_scheduler.store.tables_sql import SCHEMA
from synchronous_decide import decide

NAME = "local/demo/abcdefgh"
REF = v1.AttemptRef(run_handle=2**31, attempt=1)
HELD = v1.HeldAttempt(run_handle=2**31, run=NAME, attempt=1, alive=True, secret=secret_of("ann"))


def claim(named: str = "ann", **more: object) -> v1.CreateRunRequest:
    identity = {"agent_id": id_of(named), "agent_secret": secret_of(named)}
    values: dict[str, object] = {"parent": "local/demo", "run_id": "abcdefgh", **identity, **more}
    return v1.CreateRunRequest(**values)  # type: ignore[arg-type]  # fields by their names


async def listed(installation: Installation, **fields: object) -> list[str]:
    """Return the ids of a project's runs, read in pages of two."""
    request = v1.ListRunsRequest(project="local/demo", page_size=2, **fields)  # type: ignore[arg-type]
    names: list[str] = []
    while True:
        page = await installation.runs.ListRuns(request)
        names += [each.name.rpartition("/")[2] for each in page.runs]
        if not page.next_page_token:
            return names
        request.page_token = page.next_page_token


def test_a_claimed_run_continues_over_a_restart_until_its_exit(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            point = point_message({"lr": 0.1, "opt": {"name": "adam"}})
            request = claim(parameters=point, argv=["python", "train.py"], host="here")
            created = (await installation.runs.CreateRun(request)).run
            assert (created.name, created.sweep, created.state) == (NAME, "", v1.RUN_STATE_RUNNING)
            assert created.parameters == point
            await installation.restart()
            assert (await installation.runs.CreateRun(request)).run == created
            async with ScriptedAgent(installation.channel, "", named="ann", held=[HELD]) as agent:
                welcome = (await agent.receive("welcome")).welcome
                assert welcome.verdicts[0].fate == v1.ATTEMPT_FATE_KEEP
                await agent.exit(REF, code=3)
                assert (await agent.acked_exit(REF)).run_state == v1.RUN_STATE_FAILED
            assert (await run(installation, NAME)).attempts[0].exit.code == 3
            assert (await installation.runs.CreateRun(request)).run.state == v1.RUN_STATE_FAILED

    asyncio.run(scenario())


def test_a_project_lists_the_runs_of_its_sweeps_and_standalone_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, RANDOM, "s")
            async with ScriptedAgent(installation.channel, sweep.name, slots=2) as agent:
                await agent.offer(2)
                for _ in range(2):
                    await agent.next_start()
                for each in ("one", "two", "three"):
                    await installation.runs.CreateRun(claim(run_id=each))
            assert sorted(await listed(installation)) == ["one", "s-1", "s-2", "three", "two"]
            assert await listed(installation, standalone=True) == ["three", "two", "one"]
            assert await listed(installation, states=[v1.RUN_STATE_FAILED]) == []
            assert not (
                await installation.sweeps.ListSweeps(v1.ListSweepsRequest(parent="other/demo"))
            ).sweeps
            sweeps = (await installation.sweeps.ListSweeps(v1.ListSweepsRequest())).sweeps
            assert [each.name for each in sweeps] == [sweep.name]

    asyncio.run(scenario())


def test_invalid_requests_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            calls = installation.runs
            await create(installation, RANDOM, "s")
            await calls.CreateRun(claim())
            for wrong in (
                claim(run_id="Up"),
                claim(parent="demo"),
                claim(agent_id=""),
                claim(agent_id=id_of("bob")),
                claim(agent_secret=b"short"),
                claim(argv=["x" * 70_000]),
                claim(attempt=2_000),
                claim(parameters=point_message({"x": "y" * 530_000})),
            ):
                assert (await failure(calls.CreateRun(wrong))).code == "INVALID_ARGUMENT", wrong
            for taken in (claim("bob"), claim(run_id="s"), claim(run_id="s-1")):
                assert (await failure(calls.CreateRun(taken))).reason == "name-taken", taken
            request = v1.CreateSweepRequest(
                parent="local/demo",
                sweep_id="abcdefgh",
                file=v1.SweepFile(file_name="s.yaml", content=RANDOM),
            )
            assert (await failure(installation.sweeps.CreateSweep(request))).reason == "name-taken"
            assert (
                await failure(calls.RetryRuns(v1.RetryRunsRequest(names=[NAME])))
            ).code == "INVALID_ARGUMENT"
            for unknown in ("local/demo/none", "local/demo/none-1", "other/demo/abcdefgh"):
                assert (await failure(calls.GetRun(v1.GetRunRequest(name=unknown)))).code == "NOT_FOUND"
                assert (await failure(calls.StopRun(v1.StopRunRequest(name=unknown)))).code == "NOT_FOUND"
            both = v1.ListRunsRequest(sweep="local/demo/s", project="local/demo")
            best = v1.ListRunsRequest(project="local/demo", order=v1.RUN_ORDER_BEST)
            for wrong_list in (both, best, v1.ListRunsRequest(), v1.ListRunsRequest(project="demo")):
                assert (await failure(calls.ListRuns(wrong_list))).code == "INVALID_ARGUMENT"

    asyncio.run(scenario())


def test_a_stop_is_sent_to_a_disconnected_agent_when_it_reconnects(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            await installation.runs.CreateRun(claim())
            await installation.runs.StopRun(v1.StopRunRequest(name=NAME))
            await installation.restart()
            async with ScriptedAgent(installation.channel, "", named="ann", held=[HELD]) as agent:
                stop = (await agent.receive("stop_run")).stop_run
                assert (stop.attempt, stop.mode) == (REF, v1.STOP_MODE_TERMINATE)
                await agent.exit(REF, code=None, cause=v1.EXIT_CAUSE_COMMANDED)
                assert (await agent.acked_exit(REF)).run_state == v1.RUN_STATE_STOPPED
            explanation = await installation.runs.ExplainRun(v1.ExplainRunRequest(name=NAME))
            assert [event.kind for event in explanation.events] == [
                "run-created",
                "run-stop-decided",
                "run-stopped",
            ]

    asyncio.run(scenario())


def store_runs(path: Path, count: int) -> None:
    """Store standalone runs as the scheduler does, but in one commit."""
    path.parent.mkdir()
    engine = SqliteEngine(path, "scheduler")
    ensure_schema(engine, SCHEMA)
    state = State(Timeouts())
    changes: list[Change] = []
    for number in range(count):
        request = requester.new_run(claim(run_id=f"run{number}"))
        changes += decide(state, request, ClockReading(0.0, 1_000 + number, bytes(32))).changes
        state.undo_log.keep()
    store = SqlStore(engine)
    store.commit(changes, state.counters["number"] + 1)
    store.close()


def test_ten_thousand_standalone_runs_are_available_soon_after_a_start(tmp_path: Path) -> None:
    """P24; in processor time, because the machine may be busy with other tests."""

    store_runs(tmp_path / "scheduler" / "scheduler.sqlite", 10_000)

    async def scenario() -> None:
        began = time.process_time()
        async with a_scheduler(tmp_path) as installation:
            found = await run(installation, "local/demo/run9999")
            assert time.process_time() - began < 3
            assert found.state == v1.RUN_STATE_RUNNING
            page = await installation.runs.ListRuns(v1.ListRunsRequest(project="local/demo", page_size=1))
            assert len(page.runs) == 1

    asyncio.run(scenario())
