"""Examples in the documentation run as written."""

import json
import re
from pathlib import Path

import pytest

from component.sdk.programs import ROOT, details, environment_of, rows, run
from sweepd.spec.parse import parse_text

PAGES = ("script.md", "wandb.md", "migrate-from-wandb.md")


def blocks(page: str, kind: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text()
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [block for _, language, block in found if language == kind]


def test_every_example_is_covered() -> None:
    shown = {page: [len(blocks(page, kind)) for kind in ("python", "yaml")] for page in PAGES}
    assert shown == {"script.md": [2, 0], "wandb.md": [0, 0], "migrate-from-wandb.md": [0, 1]}
    for page in PAGES:
        assert (ROOT / "docs" / page).read_text().count("```") == 2 * sum(shown[page])


def test_the_logging_example_runs(tmp_path: Path) -> None:
    _, errors = run(blocks("script.md", "python")[0], cwd=tmp_path, env=environment_of(tmp_path))
    assert errors == ""
    logged = [row for row in rows(tmp_path / "metrics.jsonl") if "val/loss" in row]
    assert [row["_step"] for row in logged] == list(range(10))
    assert float(str(logged[-1]["val/loss"])) < 1 < float(str(logged[0]["val/loss"]))
    assert details(tmp_path)["summary"] == {"size": 12_345}


def test_the_checkpoint_example_resumes(tmp_path: Path) -> None:
    losses: dict[int, object] = {}
    for attempt, epochs in (("1", 4), ("2", 10)):
        folder = tmp_path / attempt
        folder.mkdir()
        params = folder / "params.json"
        params.write_text(json.dumps({"epochs": epochs}))
        env = environment_of(
            folder,
            SWEEPD_ATTEMPT=attempt,
            SWEEPD_PARAMS_FILE=str(params),
            SWEEPD_CHECKPOINT_DIR=str(tmp_path / "kept"),
        )
        _, errors = run(blocks("script.md", "python")[1], cwd=tmp_path, env=env)
        assert errors == ""
        fresh = {
            int(str(row["_step"])): row["loss"] for row in rows(folder / "metrics.jsonl") if "loss" in row
        }
        assert not losses.keys() & fresh.keys()
        losses |= fresh
    assert list(losses) == list(range(10))
    assert list(losses.values()) == sorted(losses.values(), key=lambda loss: -float(str(loss)))


@pytest.mark.parametrize("page", PAGES)
def test_sweep_files_are_read_without_findings(page: str) -> None:
    for block in blocks(page, "yaml"):
        parsed = parse_text(block.encode(), file=page)
        assert parsed.diagnostics == ()
        assert parsed.spec is not None
