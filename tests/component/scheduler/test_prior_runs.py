"""Prior runs: their curves come from a real metric store, and unsuitable runs are reported."""

import asyncio
from pathlib import Path

import pytest

from component.scheduler.scripted_agent import ScriptedAgent, id_of, secret_of
from component.scheduler.serving import Installation, a_metric_store, a_scheduler
from component.scheduler.sweeps import GRID, create, failure, get
from lanes import cursor
from sweepd import v1
from sweepd.codec.values import point_from_message, point_message
from sweepd.spec.point import Json

OLD = GRID
"""Six points: a is 1, 2 or 3, b is x or y; its runs log `loss` and `acc`."""

NEW = b"""
program: train.py
method: grid
metric: {name: acc, goal: maximize, value: last}
early_terminate: {type: asha, min_iter: 2, eta: 2}
parameters: {a: {values: [2.0, 3, 4]}, b: {values: [y, z]}}
"""


async def run_all(installation: Installation, sweep: v1.Sweep) -> list[v1.Run]:
    """Finish all runs of a sweep and return them; run n logs a loss of n, and n/4, NaN and n/2 as `acc`."""
    async with ScriptedAgent(installation.channel, sweep.name) as agent:
        for _ in range(6):
            await agent.offer()
            start = await agent.next_start()
            number = float(start.run.rpartition("-")[2])
            ref = await agent.start_process(start)
            await agent.observe(ref, 1, number, number, number)
            await agent.points(ref, 1, number / 4, float("nan"), number / 2, key="acc")
            await agent.receive("ack", lambda m: (cursor(m.ack, v1.LANE_POINTS) or 0) >= 3)
            await agent.exit(ref, 3, keys=["acc", "loss"])
            await agent.acked_exit(ref)
    return list((await installation.runs.ListRuns(v1.ListRunsRequest(sweep=sweep.name))).runs)


def create_request(content: bytes, request_id: str = "", **prior: object) -> v1.CreateSweepRequest:
    return v1.CreateSweepRequest(
        parent="local/demo",
        file=v1.SweepFile(file_name="sweep.yaml", content=content),
        request_id=request_id,
        prior_runs=v1.PriorRunSelection(**prior),  # type: ignore[arg-type]  # by name
    )


def points(runs: list[v1.Run]) -> list[dict[str, Json]]:
    return [dict(point_from_message(run.parameters)) for run in runs]


def test_a_sweep_takes_prior_runs_of_a_sweep_with_another_objective(tmp_path: Path) -> None:
    async def scenario() -> None:
        metrics = a_metric_store(tmp_path)
        address = await metrics.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            old = await create(installation, OLD, "old")
            await run_all(installation, old)
            named = [f"{old.name}-4", f"{old.name}:4"]
            answer = await installation.sweeps.CreateSweep(create_request(NEW, sweeps=[old.name], runs=named))
            report, sweep = answer.prior_runs, answer.sweep
            left_out = {each.run: each.reason for each in report.unsuitable_runs}
            assert (report.taken, report.unsuitable, report.without_curve) == (2, 4, 0)
            assert left_out[f"{old.name}-1"] == 'a: 1 is none of 2.0, 3, 4; b: "x" is none of "y", "z"'
            assert (sweep.prior_runs, sweep.planned_runs) == (2, 4)
            listed = await installation.runs.ListPriorRuns(
                v1.ListPriorRunsRequest(sweep=sweep.name, page_size=1)
            )
            more = await installation.runs.ListPriorRuns(
                v1.ListPriorRunsRequest(sweep=sweep.name, page_size=1, page_token=listed.next_page_token)
            )
            assert more.next_page_token == ""
            kept = [*listed.prior_runs, *more.prior_runs]
            assert [
                (each.index, each.run, each.value, each.best_value, each.iterations) for each in kept
            ] == [
                (1, f"{old.name}-4", 2.0, 2.0, 2),  # the NaN is not an iteration
                (2, f"{old.name}-6", 3.0, 3.0, 2),
            ]
            assert [dict(point_from_message(each.parameters)) for each in kept] == [
                {"a": 2, "b": "y"},
                {"a": 3, "b": "y"},
            ]
            await installation.restart()
            async with ScriptedAgent(installation.channel, sweep.name, slots=4) as agent:
                await agent.offer(4)
                starts = [await agent.next_start() for _ in range(4)]
                refs = [await agent.start_process(start) for start in starts]
                await agent.observe(refs[0], 1, 1.0, 1.0)
                stop = (await agent.receive("stop_run")).stop_run
                assert stop.reason.endswith(
                    "1 at iteration 2 is worse than 3; rank 3 of 3, 2 of them prior runs"
                )
                answer_runs = await installation.runs.ListRuns(v1.ListRunsRequest(sweep=sweep.name))
                assert points(list(answer_runs.runs)) == [
                    {"a": 2.0, "b": "z"},
                    {"a": 3, "b": "z"},
                    {"a": 4, "b": "y"},
                    {"a": 4, "b": "z"},
                ]
                (verdict,) = answer_runs.runs[0].verdicts
                assert (verdict.compared, verdict.prior_compared) == (3, 2)
            after = await get(installation, sweep.name)
            assert after.ending == v1.SWEEP_ENDING_GRID
        await metrics.stop()

    asyncio.run(scenario())


def test_a_filter_selects_prior_runs_by_value_state_tag_and_time(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        metrics = a_metric_store(tmp_path)
        address = await metrics.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            old = await create(installation, OLD + b"tags: [base]\n", "old")
            runs = await run_all(installation, old)
            created = sorted(run.create_time.ToNanoseconds() for run in runs)
            same = OLD.replace(b"name: loss", b"name: loss, goal: maximize")

            async def taken(**conditions: object) -> list[str]:
                chosen = v1.PriorRunFilter(**conditions)  # type: ignore[arg-type]  # by name
                request = create_request(same, project="local/demo", filter=chosen)
                sweep = (await installation.sweeps.CreateSweep(request)).sweep
                page = await installation.runs.ListPriorRuns(v1.ListPriorRunsRequest(sweep=sweep.name))
                return [each.run.rpartition("-")[2] for each in page.prior_runs]

            assert await taken() == ["1", "2", "3", "4", "5", "6"]
            assert await taken(min_value=3.0, max_value=5.0) == ["3", "4", "5"]
            assert await taken(states=[v1.RUN_STATE_FAILED]) == []
            assert await taken(tags=["base"], max_value=1.0) == ["1"]
            assert await taken(tags=["other"]) == []
            third = v1.Run()
            third.create_time.FromNanoseconds(created[2])
            assert await taken(created_from=third.create_time) == ["3", "4", "5", "6"]
            assert await taken(created_before=third.create_time) == ["1", "2"]
        await metrics.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("prior", "code", "expected"),
    [
        ({"sweeps": ["local/demo/none"]}, "NOT_FOUND", "local/demo/none"),
        ({"project": "local/none"}, "NOT_FOUND", "project local/none does not exist"),
        ({"runs": ["local/demo/none-1"]}, "NOT_FOUND", "local/demo/none-1 does not exist"),
        (
            {"runs": ["no/name", *(f"local/demo/{run}" for run in ("a", "a-2", "a:3", "b-4", "b-5"))]},
            "NOT_FOUND",
            "no/name, local/demo/a, local/demo/a-2, local/demo/a:3, local/demo/b-4 and 1 more do not exist",
        ),
        ({"project": "demo"}, "INVALID_ARGUMENT", "prior_runs.project"),
        (
            {"project": "local/demo", "filter": v1.PriorRunFilter(states=[v1.RUN_STATE_RUNNING])},
            "INVALID_ARGUMENT",
            "is not the state of an ended run",
        ),
        (
            {"project": "local/demo", "filter": v1.PriorRunFilter(max_value=float("nan"))},
            "INVALID_ARGUMENT",
            "finite",
        ),
    ],
)
def test_an_invalid_selection_is_refused(
    tmp_path: Path, prior: dict[str, object], code: str, expected: str
) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            refused = await failure(installation.sweeps.CreateSweep(create_request(NEW, "", **prior)))
            assert refused.code == code
            assert expected in refused.message

    asyncio.run(scenario())


def test_a_selection_with_a_missing_run_creates_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            old = await create(installation, OLD, "old")
            async with ScriptedAgent(installation.channel, old.name) as agent:
                await agent.offer()
                await agent.next_start()
                request = create_request(NEW, runs=[f"{old.name}-1", f"{old.name}:2"])
                refused = await failure(installation.sweeps.CreateSweep(request))
                assert (refused.code, refused.reason) == ("NOT_FOUND", "no-such-name")
                assert refused.message == f"{old.name}:2 does not exist"
                shown = v1.PreviewSweepRequest(file=request.file, prior_runs=request.prior_runs)
                assert (await failure(installation.sweeps.PreviewSweep(shown))).code == "NOT_FOUND"
            listed = await installation.sweeps.ListSweeps(v1.ListSweepsRequest())
            assert [sweep.name for sweep in listed.sweeps] == [old.name]

    asyncio.run(scenario())


def test_nothing_is_created_while_curves_cannot_be_read_and_a_repeated_call_succeeds(tmp_path: Path) -> None:
    async def scenario() -> None:
        metrics = a_metric_store(tmp_path)
        address = await metrics.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            old = await create(installation, OLD, "old")
            await run_all(installation, old)
            await metrics.stop()
            request = create_request(NEW, request_id="once", sweeps=[old.name])
            assert (await failure(installation.sweeps.CreateSweep(request))).code == "UNAVAILABLE"
            listed = await installation.sweeps.ListSweeps(v1.ListSweepsRequest())
            assert [sweep.name for sweep in listed.sweeps] == [old.name]
        address = await metrics.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            both = await asyncio.gather(*(installation.sweeps.CreateSweep(request) for _ in range(2)))
            assert both[0] == both[1]
            assert both[0].prior_runs.taken == 2
            await metrics.stop()
            repeated = await installation.sweeps.CreateSweep(request)
            assert repeated == both[0], "the stored response needs no curves"
            other = create_request(NEW + b"seed: 1\n", request_id="once", sweeps=[old.name])
            refused = await failure(installation.sweeps.CreateSweep(other))
            assert refused.reason == "request-id-reused"

    asyncio.run(scenario())


def test_a_preview_of_a_grid_leaves_out_the_points_of_prior_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        metrics = a_metric_store(tmp_path)
        address = await metrics.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            old = await create(installation, OLD, "old")
            await run_all(installation, old)
            request = v1.PreviewSweepRequest(
                file=v1.SweepFile(file_name="sweep.yaml", content=NEW),
                count=10,
                prior_runs=v1.PriorRunSelection(sweeps=[old.name]),
            )
            answer = await installation.sweeps.PreviewSweep(request)
            assert (answer.prior_runs.taken, answer.prior_runs.unsuitable) == (2, 4)
            assert (answer.preview.space_size, answer.preview.planned_runs) == (6, 4)
            shown = [dict(point_from_message(run.parameters)) for run in answer.preview.runs]
            assert shown == [
                {"a": 2.0, "b": "z"},
                {"a": 3, "b": "z"},
                {"a": 4, "b": "y"},
                {"a": 4, "b": "z"},
            ]
        await metrics.stop()

    asyncio.run(scenario())


def test_parameters_summaries_and_tags_set_by_scripts_count_for_prior_runs(tmp_path: Path) -> None:
    """A parameter of the sweep has precedence over the script's value."""
    details = v1.RunDetails(
        tags=["mine"],
        config=point_message({"a": 99, "batch": 32, "opt": {"lr": 0.5}}),
        summary=point_message({"acc": 0.75}),
    )

    async def scenario() -> None:
        metrics = a_metric_store(tmp_path)
        address = await metrics.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            old = await create(installation, OLD, "old")
            async with ScriptedAgent(installation.channel, old.name, slots=2) as agent:
                await agent.offer(2)
                for number in (1, 2):
                    start = await agent.next_start()
                    ref = await agent.start_process(start)
                    if number == 1:
                        report = v1.DetailsReport(attempt=ref, sequence=1, details=details)
                        await agent.send(details=report)
                    await agent.observe(ref, 1, 0.5)
                    await agent.exit(ref, 1, keys=["loss"])
                    await agent.acked_exit(ref)
            new = (
                b"program: t.py\nmethod: grid\nmetric: {name: acc, goal: maximize}\nparameters:\n"
                b"  a: {values: [1, 2]}\n  batch: {values: [32, 64]}\n"
                b"  opt: {parameters: {lr: {values: [0.5]}}}\n"
            )
            answer = await installation.sweeps.CreateSweep(create_request(new, sweeps=[old.name]))
            page = await installation.runs.ListPriorRuns(v1.ListPriorRunsRequest(sweep=answer.sweep.name))
            (kept,) = page.prior_runs
            assert dict(point_from_message(kept.parameters)) == {"a": 1, "batch": 32, "opt": {"lr": 0.5}}
            assert kept.value == 0.75
            (left_out,) = answer.prior_runs.unsuitable_runs
            assert left_out.reason == "batch is missing; opt is missing"
            for tag, count in (("mine", 1), ("other", 0)):
                chosen = v1.PriorRunFilter(tags=[tag])
                same = create_request(OLD, project="local/demo", filter=chosen)
                assert (await installation.sweeps.CreateSweep(same)).prior_runs.taken == count
        await metrics.stop()

    asyncio.run(scenario())


def test_standalone_runs_are_selected_by_name_and_by_project(tmp_path: Path) -> None:
    """A standalone run whose id looks like that of a sweep's run is also found by name."""
    ids = ("first-1", "second")
    held = [
        v1.HeldAttempt(
            run_handle=2**31 + index, run=f"local/demo/{each}", attempt=1, alive=True, secret=secret_of("ann")
        )
        for index, each in enumerate(ids)
    ]

    async def scenario() -> None:
        metrics = a_metric_store(tmp_path)
        address = await metrics.start()
        async with a_scheduler(tmp_path, metrics=address) as installation:
            for number, run_id in enumerate((*ids, "still-running"), 1):
                await installation.runs.CreateRun(
                    v1.CreateRunRequest(
                        parent="local/demo",
                        run_id=run_id,
                        agent_id=id_of("ann"),
                        agent_secret=secret_of("ann"),
                        parameters=point_message({"a": number, "b": "y"}),
                    )
                )
            async with ScriptedAgent(installation.channel, "", named="ann", held=held) as agent:
                for index, each in enumerate(held):
                    ref = v1.AttemptRef(run_handle=each.run_handle, attempt=1)
                    if index:
                        details = v1.RunDetails(tags=["mine"])
                        await agent.send(details=v1.DetailsReport(attempt=ref, sequence=1, details=details))
                    await agent.points(ref, 1, 0.5 + index, key="acc")
                    await agent.receive("ack", lambda m: cursor(m.ack, v1.LANE_POINTS) is not None)
                    await agent.exit(ref, keys=["acc"])
                    await agent.acked_exit(ref)

            async def taken(**prior: object) -> list[tuple[str, float]]:
                new = NEW.replace(b"[2.0, 3, 4]", b"[1, 2, 3]")
                sweep = (await installation.sweeps.CreateSweep(create_request(new, "", **prior))).sweep
                page = await installation.runs.ListPriorRuns(v1.ListPriorRunsRequest(sweep=sweep.name))
                return [(each.run.rpartition("/")[2], each.value) for each in page.prior_runs]

            assert await taken(project="local/demo") == [("first-1", 0.5), ("second", 1.5)]
            mine = v1.PriorRunFilter(tags=["mine"])
            assert await taken(project="local/demo", filter=mine) == [("second", 1.5)]
            named = await taken(runs=[each.run for each in held])
            assert sorted(named) == [("first-1", 0.5), ("second", 1.5)]
        await metrics.stop()

    asyncio.run(scenario())
