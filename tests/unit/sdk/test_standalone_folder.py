"""Folder of a standalone run, and its exclusive use."""

import os
import resource
from pathlib import Path

import pytest

from sweepd.script.errors import UsageError
from sweepd.script.folder import sync
from sweepd.script.folder.run_folder import RunFolder, read_record, record_end, try_lock
from sweepd.script.folder.standalone import new_folder, standalone_folder
from sweepd.script.settings import RunOptions

ALLOW = RunOptions(id="a", resume="allow")


def begin(wanted: RunOptions, parent: Path, now: float = 0.0) -> RunFolder:
    return standalone_folder(wanted, parent, program="train.py", now=now)


def end(folder: RunFolder, code: int = 0) -> None:
    record_end(folder, exit_code=code, now=1.0)
    assert folder.lock is not None
    folder.lock.release()


def test_runs_with_one_id_that_begin_in_the_same_second_have_separate_folders(tmp_path: Path) -> None:
    first, second = (new_folder(RunOptions(id="a"), tmp_path, program="train.py", now=0.0) for _ in range(2))
    assert first.path != second.path
    assert (first.run, second.run) == ("local/train/a", "local/train/a")


@pytest.mark.parametrize(
    ("entity", "project", "run"),
    [
        ("Some Team", "Größe (v2)", "some-team/grosse-v2/a"),
        ("acme_1", "my.project", "acme_1/my.project/a"),
        ("???", "実験", "local/default/a"),
        (None, None, "local/train/a"),
    ],
)
def test_projects_are_named_like_those_of_sweeps(
    tmp_path: Path, entity: str | None, project: str | None, run: str
) -> None:
    wanted = RunOptions(id="a", entity=entity, project=project)
    assert new_folder(wanted, tmp_path, program="train.py", now=0.0).run == run


@pytest.mark.parametrize("program", ["", "-c", "-m", "/lib/ipykernel_launcher.py"])
def test_without_a_script_file_the_project_is_the_default(tmp_path: Path, program: str) -> None:
    assert new_folder(RunOptions(id="a"), tmp_path, program=program, now=0.0).run == "local/default/a"


def test_an_active_run_is_not_resumed(tmp_path: Path) -> None:
    first = begin(ALLOW, tmp_path)
    for wanted in (ALLOW, RunOptions(id="a", resume="must")):
        with pytest.raises(UsageError, match=r"run a is active in another process, in .*-a: it can be"):
            begin(wanted, tmp_path)
    end(first)
    again = begin(ALLOW, tmp_path)
    assert (again.path, again.attempt) == (first.path, 2)
    with pytest.raises(UsageError, match="is active"):
        begin(ALLOW, tmp_path)


def test_the_offset_of_each_attempt_in_the_metrics_file_is_recorded(tmp_path: Path) -> None:
    first = begin(ALLOW, tmp_path)
    end(first)
    first.metrics_file.write_text('{"a": 1}\n{"a"')
    end(begin(ALLOW, tmp_path))
    first.metrics_file.rename(f"{first.metrics_file}.1")
    end(begin(ALLOW, tmp_path))
    assert read_record(first.path)["begun"] == [
        {"attempt": 2, "segment": 1, "offset": 13},
        {"attempt": 3, "segment": 2, "offset": 0},
    ]


def test_an_active_run_is_skipped_when_the_newest_is_resumed(tmp_path: Path) -> None:
    auto = RunOptions(resume="auto")
    first = begin(auto, tmp_path)
    second = begin(auto, tmp_path, now=60.0)
    assert second.path != first.path
    end(second, code=1)
    assert begin(auto, tmp_path).path == second.path


def test_unreadable_folders_are_skipped(tmp_path: Path) -> None:
    end(begin(ALLOW, tmp_path))
    for name, content in (
        ("z1-a", "[]"),
        ("z2-a", "{"),
        ("z3-a", '{"run": "a"}'),
        ("z4-a", '{"run": "x/y/b"}'),
    ):
        folder = tmp_path / "sweepd-runs" / name
        folder.mkdir()
        (folder / "run.json").write_text(content)
    assert begin(ALLOW, tmp_path).attempt == 2


def test_an_account_without_a_home_folder_has_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    folder = new_folder(RunOptions(), tmp_path, program="train.py", now=0.0)
    assert sync.start(folder, online=True, silent=False, environ={}) is None
    assert sync.script_pid(folder.path) == os.getpid()


def test_a_forked_child_does_not_hold_the_lock_of_its_parent(tmp_path: Path) -> None:
    lock = try_lock(tmp_path)
    assert lock is not None
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)  # until the parent has made its checks
        os._exit(0)
    os.close(reading)
    assert try_lock(tmp_path) is None
    lock.release()
    again = try_lock(tmp_path)
    os.close(writing)
    os.waitpid(child, 0)
    assert again is not None
    again.release()
    again.release()


def test_a_run_whose_next_attempt_cannot_be_recorded_is_not_started(tmp_path: Path) -> None:
    first = begin(ALLOW, tmp_path)
    end(first, code=1)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))  # stands for a full disk
    try:
        with pytest.raises(UsageError, match=r"run a cannot be resumed in .*: File too large"):
            begin(ALLOW, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert begin(ALLOW, tmp_path).attempt == 2
