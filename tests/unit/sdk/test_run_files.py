"""Files that a run keeps: their paths, and warnings for files that cannot be kept."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sweepd.script.folder.run_folder import given_folder
from sweepd.script.media.artifact import Artifact
from sweepd.script.media.image import Image
from sweepd.script.media.table import Table
from sweepd.script.run.config import Config
from sweepd.script.run.run import Run
from sweepd.script.settings import RunOptions


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    folder = given_folder({"SWEEPD_METRICS_FILE": str(tmp_path / "run" / "metrics.jsonl")})
    assert folder is not None
    folder.path.mkdir()
    return Run(folder, Config({}), RunOptions(), counts_steps=True)


def kept(run: Run) -> list[str]:
    files = Path(run.dir)
    return sorted(str(path.relative_to(files)) for path in files.rglob("*") if path.is_file())


def put(*names: str, content: str = "x") -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content)


def test_saved_files_of_one_name_in_several_folders_are_all_kept(run: Run, tmp_path: Path) -> None:
    put("a/last.pt", "b/last.pt", "last.pt", "../outside/deep/last.pt")
    run.save("*/last.pt")
    run.save("last.pt")
    run.save(str(tmp_path / "outside" / "deep" / "*"))
    run.save(tmp_path / "outside" / "deep" / "last.pt", base_path=tmp_path)
    assert kept(run) == [
        "a/last.pt",
        "b/last.pt",
        "deep/last.pt",
        "last.pt",
        "outside/deep/last.pt",
    ]


def test_a_file_outside_of_its_base_is_kept_by_its_name(run: Run) -> None:
    put("../outside/x.pt")
    assert run.save("../outside/*.pt") == [str(Path(run.dir) / "x.pt")]
    assert kept(run) == ["x.pt"]


def test_a_name_with_brackets_can_be_meant_literally(run: Run) -> None:
    put("out[1].pt")
    assert run.save("out[1].pt") == []
    run.save("out[1].pt", glob=False)
    assert kept(run) == ["out[1].pt"]


def test_code_is_found_without_entering_third_party_folders(run: Run) -> None:
    put("train.py", "lib/net.py", "notes.txt", ".git/hook.py", "venv/x.py", "lib/.hidden.py", "data/a.csv")
    assert run.log_code(".") is not None
    assert kept(run) == [f"artifacts/code/{name}" for name in ("artifact.json", "lib/net.py", "train.py")]
    seen: list[tuple[str, str]] = []

    def is_text(path: str, root: str) -> bool:
        seen.append((path, root))
        return path.endswith(".txt")

    code = run.log_code(".", name="texts", include_fn=is_text, exclude_fn=lambda path: path.endswith("csv"))
    assert code is not None
    assert code.files() == ["notes.txt"]
    assert {root for _, root in seen} == {str(Path.cwd())}


def test_parts_of_an_artifact_that_cannot_be_stored_do_not_affect_the_rest(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    class Picture:
        def save(self, fp: str, format: str) -> None:  # noqa: A002 (PIL's name)
            raise ValueError("cannot write mode F as PNG")

    put("a.csv", "artifact.json", "gone.csv")
    artifact = Artifact("../x", "dataset", metadata={"digits": 10**5_000})
    for name in ("a.csv", "artifact.json", "gone.csv"):
        artifact.add_file(name)
    artifact.add(Image(Picture()), "picture")
    artifact.add(object(), "odd")  # type: ignore[arg-type]
    artifact.add(Table(columns=["a"], data=[[1]]), "my.table")
    Path("gone.csv").unlink()
    run.log_artifact(artifact)
    (warning,) = (record.message for record in caplog.records)
    assert warning.startswith("sweepd: artifact '../x' cannot be stored completely: gone.csv: ")
    assert warning.endswith(", and 2 more")
    assert kept(run) == [
        f"artifacts/-x/{name}"
        for name in ("a.csv", "artifact.json", "my.table.table.json", "sweepd.artifact.json")
    ]
    assert Path(artifact.get_path("artifact.json").download()).read_text() == "x"


def test_files_written_for_an_artifact_are_stored_once(run: Run) -> None:
    artifact = Artifact("set", "dataset")
    with artifact.new_file("a/notes.txt") as file:
        file.write("first")
    draft = Path(file.name)
    for _ in range(2):
        run.log_artifact(artifact)
    assert not draft.parent.parent.exists()
    assert Path(artifact.file()).read_text() == "first"


def test_entries_of_an_artifact_can_be_read_and_removed(run: Run) -> None:
    put("a.csv", "b.csv", content="four")
    artifact = Artifact("set", "dataset")
    table = Table(columns=["a"], data=[[1]])
    entry = artifact.add_file("a.csv")
    artifact.add_file("b.csv")
    artifact.add(table, "table")
    assert (artifact.file_count, artifact.size, artifact.is_draft()) == (3, 8, True)
    artifact.remove(entry)
    artifact.remove("b.csv")
    assert artifact.files() == ["table"]
    assert artifact.get("table") is table
    assert artifact.get("a.csv") is None
    run.log_artifact(artifact)
    assert not artifact.is_draft()


def test_a_url_is_recorded_and_not_fetched(run: Run) -> None:
    run.log_artifact("s3://bucket/data.csv", name="data")
    recorded = json.loads((Path(run.dir) / "artifacts/data/artifact.json").read_text())
    assert recorded["references"] == {"data.csv": "s3://bucket/data.csv"}


def test_an_invalid_step_changes_nothing(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    class Hostile:
        def __int__(self) -> int:
            raise OSError("gone")

    for step in (10**5_000, 2**63, math.nan, Hostile(), "5"):
        run.log({"a": 1}, step=step)  # type: ignore[arg-type]  # as scripts do
    run.log({"a": 1}, step=np.int64(9))  # type: ignore[arg-type]
    rows = [json.loads(line) for line in (Path(run.dir).parent / "metrics.jsonl").read_text().splitlines()]
    assert [row["_step"] for row in rows] == [0, 1, 2, 3, 4, 9]
    (warning,) = (record.message for record in caplog.records)
    assert "not a 64-bit integer" in warning


def test_name_and_notes_can_be_unset(run: Run) -> None:
    run.name, run.notes = "n", "m"
    run.name = run.notes = None
    assert (run.name, run.notes) == (run.id, None)
