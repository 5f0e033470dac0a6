"""PreviewSweep: the runs of a sweep file, as many as fit in one response."""

import asyncio
import json
from pathlib import Path

import pytest

from component.scheduler.serving import Installation, a_scheduler
from component.scheduler.sweeps import GRID, RANDOM, create, failure
from sweepd import v1
from sweepd.codec.values import point_from_message
from waiting import least_async


def request(content: bytes, count: int) -> v1.PreviewSweepRequest:
    return v1.PreviewSweepRequest(file=v1.SweepFile(file_name="s.yaml", content=content), count=count)


def test_a_preview_shows_points_counts_and_rungs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            text = GRID + b"repeats: 2\nseed: 9\nearly_terminate: {type: hyperband, min_iter: 2, eta: 2}\n"
            answer = await installation.sweeps.PreviewSweep(request(text, 4))
            shown = answer.preview
            assert [point_from_message(run.parameters) for run in shown.runs] == [
                {"a": 1, "b": "x"},
                {"a": 1, "b": "x"},
                {"a": 1, "b": "y"},
                {"a": 1, "b": "y"},
            ]
            assert [run.repeat for run in shown.runs] == [0, 1, 0, 1]
            assert list(shown.runs[0].argv) == ["/usr/bin/env", "python", "train.py", "--a=1", "--b=x"]
            assert {run.source for run in shown.runs} == {v1.POINT_SOURCE_GRID}
            assert (shown.space_size, shown.planned_runs, shown.seed) == (6, 12, 9)
            assert not shown.space_size_is_estimate
            assert list(shown.rungs[:3]) == [2, 4, 8]
            endless = (await installation.sweeps.PreviewSweep(request(RANDOM, 0))).preview
            assert not endless.HasField("space_size")
            assert not endless.HasField("planned_runs")
            assert not endless.runs
            sweeps = await installation.sweeps.ListSweeps(v1.ListSweepsRequest())
            assert not sweeps.sweeps, "a preview creates nothing"

    asyncio.run(scenario())


def test_an_invalid_file_is_answered_with_its_findings(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            answer = await installation.sweeps.PreviewSweep(request(b"method: gird\n", 4))
            assert not answer.HasField("preview")
            assert {each.path for each in answer.diagnostics} >= {"method"}
            error = await failure(installation.sweeps.PreviewSweep(request(GRID, 1_001)))
            assert (error.code, error.reason) == ("INVALID_ARGUMENT", "invalid-field")

    asyncio.run(scenario())


def test_a_response_has_as_many_runs_as_fit(tmp_path: Path) -> None:
    """Each run has 400 KB of parameters, and another 400 KB of arguments."""

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            parameters = {
                "a": {"min": 1, "max": 500},
                **{f"p{number}": {"value": "x" * 100_000} for number in range(4)},
            }
            file = json.dumps({"method": "grid", "program": "t.py", "parameters": parameters}).encode()
            answer = await installation.sweeps.PreviewSweep(request(file, 1_000))
            assert 1 <= len(answer.preview.runs) <= 4
            assert answer.preview.planned_runs == 500
            assert answer.ByteSize() < 4 * 1024 * 1024

    asyncio.run(scenario())


def test_a_slow_preview_is_bounded_in_time_and_does_not_delay_other_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P26: a preview of a file with rare points runs in a thread; other calls do not wait for it."""
    monkeypatch.setattr("sweepd_scheduler.api.sweep_codec.TIME_LIMIT", 0.5)

    file = (
        b"method: grid\nshuffle: true\nprogram: t.py\nseed: 1\n"
        b"parameters: {a: {min: 1, max: 500}, b: {min: 1, max: 500}, c: {min: 1, max: 500}}\n"
        b"constraints: ['(a * b * c) % 1009 == 7']\n"
    )

    async def seconds_of_another_call(installation: Installation) -> float:
        call = asyncio.ensure_future(installation.sweeps.PreviewSweep(request(file, 1_000)))
        now = asyncio.get_running_loop().time
        began = now()
        await installation.sweeps.ListSweeps(v1.ListSweepsRequest())
        took = now() - began
        shown = (await call).preview
        assert now() - began < 10.0, "it takes half a second plus the time to find one point"
        assert shown.space_size_is_estimate
        points = [point_from_message(run.parameters) for run in shown.runs]
        assert points
        assert all(int(str(p["a"])) * int(str(p["b"])) * int(str(p["c"])) % 1009 == 7 for p in points)
        return took

    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            assert await least_async(lambda: seconds_of_another_call(installation), wanted=1.0) < 1.0

    asyncio.run(scenario())


def test_a_count_too_large_for_its_field_is_absent_from_preview_and_sweep(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_scheduler(tmp_path) as installation:
            parameters = {name: {"min": 1, "max": 10_000} for name in "abcde"}
            file = json.dumps({"method": "grid", "program": "t.py", "parameters": parameters}).encode()
            shown = (await installation.sweeps.PreviewSweep(request(file, 1))).preview
            assert not shown.HasField("planned_runs")
            assert not (await create(installation, file)).HasField("planned_runs")

    asyncio.run(scenario())
