"""ValidateSweep returns the same findings for a file as `sweepctl validate`."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from component.scheduler.serving import a_scheduler
from decoded_diagnostics import diagnostic_from_message
from fuzz.fuzzing import corpus
from sweepd import v1
from sweepd.cli.main import main
from sweepd.spec.point import Json
from unit.spec.reading.test_golden import FILES, GOLDEN, MADE


def files() -> dict[str, bytes]:
    """Return the files of the golden messages and the corpus of the fuzzer, by name."""
    paths = [*(GOLDEN / f"{name}.yaml" for name in FILES), *corpus()]
    return {path.name: path.read_bytes() for path in paths} | {f"{name}.yaml": MADE[name] for name in MADE}


def printed_by_sweepctl(name: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[Json]]:
    code = main(("validate", name, "--error-format", "json"))
    return int(code), [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_the_server_returns_the_findings_of_sweepctl_validate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SWEEPD_ENTITY", "SWEEPD_PROJECT", "SWEEPD_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "files").mkdir()
    monkeypatch.chdir(tmp_path / "files")
    for name, content in files().items():
        Path(name).write_bytes(content)

    async def scenario() -> None:
        async with a_scheduler(tmp_path / "services") as installation:
            for name, content in files().items():
                file = v1.SweepFile(file_name=name, content=content)
                answer = await installation.sweeps.ValidateSweep(v1.ValidateSweepRequest(file=file))
                found = [asdict(diagnostic_from_message(each)) for each in answer.diagnostics]
                code, printed = printed_by_sweepctl(name, capsys)
                assert found == printed, name
                has_errors = any(each.severity == v1.SEVERITY_ERROR for each in answer.diagnostics)
                assert code == (5 if has_errors else 0), name
                is_unsupported = any(each.code == "not-supported-yet" for each in answer.diagnostics)
                assert answer.HasField("spec") is not (has_errors or is_unsupported), name

    asyncio.run(scenario())
