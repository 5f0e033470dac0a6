"""State of a standalone run, read by an agent from the run folder."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweepd.codec.values import point_from_message
from sweepd_agent.core.attempt import AttemptKey, ExitCause, Outcome, StopMode, StopOrder, exit_of
from sweepd_agent.core.numbering import Begin
from sweepd_agent.files.state_folder import FolderInUseError
from sweepd_agent.process import proc
from sweepd_agent.process.pidfd import reports_exit_codes
from sweepd_agent.standalone.claim import plain_values
from sweepd_agent.standalone.run import StandaloneFolder, open_standalone
from sweepd_agent.standalone.script_process import Scripts

RUN = {"run": "local/train/abcdefgh", "program": "train.py", "started": 100.0}


def a_folder(path: Path, **recorded: object) -> StandaloneFolder:
    (path / "run.json").write_text(json.dumps({**RUN, **recorded}))
    return StandaloneFolder(path)


def with_script(path: Path, **recorded: object) -> None:
    script = {
        "pid": os.getpid(),
        "start": proc.start_ticks(os.getpid()),
        "boot": proc.boot_id(),
        "argv": ["a"],
    }
    (path / "script.json").write_text(json.dumps({**script, **recorded}))


def test_a_standalone_run_is_read_as_an_assignment(tmp_path: Path) -> None:
    assignment = a_folder(tmp_path).assignment()
    assert assignment is not None
    assert (assignment.key, assignment.sweep) == (AttemptKey("local/train/abcdefgh", 1), "")
    assert (assignment.watched_keys, assignment.assigned_time) == ((), 100.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": 3}', '{"run": "no/name"}', "{"])
def test_a_folder_of_another_kind_is_not_a_standalone_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert StandaloneFolder(tmp_path).assignment() is None


@pytest.mark.parametrize("odd", [10**400, -1, 1e300, float("inf"), float("nan"), "x", None])
def test_numbers_out_of_range_do_no_harm(tmp_path: Path, odd: object) -> None:
    """The user owns the folder and may have written anything into it."""
    folder = a_folder(tmp_path, started=odd, ended=odd, resumed=odd, attempt=odd, exit_code=odd)
    with_script(tmp_path, pid=odd)
    run = folder.run()
    assert run is not None
    assert (run.started, run.ended, run.attempt) == (0.0, None, 1)
    assert not Scripts().find(folder).alive


def test_a_script_is_alive_only_as_the_same_process(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    with_script(tmp_path)
    found = Scripts().find(folder)
    assert (found.alive, found.pid) == (True, os.getpid())
    for other in ({"start": 1}, {"boot": "another"}, {"pid": 2**22 + 1}):
        with_script(tmp_path, **other)
        assert not Scripts().find(folder).alive, other


def test_a_script_that_has_reported_its_end_counts_as_ended_while_its_process_continues(
    tmp_path: Path,
) -> None:
    folder = a_folder(tmp_path, ended=150.0, exit_code=3)
    with_script(tmp_path)
    assert not Scripts().find(folder).alive
    ended = exit_of(Scripts().outcome(folder), None)
    assert (ended.cause, ended.code, ended.time) == (ExitCause.EXITED, 3, 150.0)


def test_a_script_that_vanished_without_a_reported_end_ended_at_its_last_row(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    folder.metrics_file.write_text("{}\n")
    os.utime(folder.metrics_file, (130.0, 130.0))
    ended = exit_of(Scripts().outcome(folder), None)
    assert (ended.cause, ended.time) == (ExitCause.ORPHANED, 130.0)
    with_script(tmp_path, boot="another")
    assert "host" in Scripts().outcome(folder).message


def test_a_stop_requested_by_a_user_is_reported_as_such(tmp_path: Path) -> None:
    order = StopOrder(mode=StopMode.TERMINATE, cause=ExitCause.COMMANDED, reason="stopped by a person")
    folder = a_folder(tmp_path, started=time.time() - 10)
    folder.write_order(order)
    assert exit_of(Scripts().outcome(folder), folder.order()).cause is ExitCause.COMMANDED
    again = a_folder(tmp_path, attempt=2, resumed=time.time() + 10)
    assert again.order() is None, "it was for the attempt before"


def test_each_attempt_has_cursors_of_its_own(tmp_path: Path) -> None:
    first = a_folder(tmp_path)
    first.save_cursors({"points": 7})
    assert first.cursors()["points"] == 7
    second = a_folder(tmp_path, attempt=2, resumed=200.0)
    assert second.cursors() == {}
    assert second.assignment() is not None
    first.save_cursors({"points": 8})  # one that still delivers does not report for the other
    assert second.cursors() == {}


def test_an_attempt_has_the_start_offsets_of_all_attempts_up_to_it_in_the_shared_file(tmp_path: Path) -> None:
    recorded = [{"attempt": 2, "segment": 1, "offset": 70}, {"attempt": 3, "segment": 2, "offset": 0}]
    begins = (Begin(attempt=2, segment=1, offset=70), Begin(attempt=3, segment=2, offset=0))
    assert a_folder(tmp_path).begins() == ()
    second = a_folder(tmp_path, attempt=2, begun=recorded[:1])
    third = a_folder(tmp_path, attempt=3, begun=[*recorded, {"attempt": "x"}, 4])
    assert (second.begins(), third.begins()) == (begins[:1], begins)


def test_a_locked_folder_is_refused_to_others_and_keeps_its_content(tmp_path: Path) -> None:
    a_folder(tmp_path)
    state = open_standalone(tmp_path, 0.0)
    with pytest.raises(FolderInUseError):
        open_standalone(tmp_path, 0.0)
    (folder,) = state.attempts()
    folder.remove()
    state.release()
    again = open_standalone(tmp_path, 0.0)
    assert again.agent_id == state.agent_id
    assert (tmp_path / "run.json").exists()
    again.release()


def test_a_configuration_is_sent_except_for_values_that_are_not_plain() -> None:
    config = {"lr": 0.1, "n": 3, "far": 2**70, "odd": float("inf"), "opt": {"name": "adam", "betas": [0.9]}}
    assert point_from_message(plain_values(config)) == {
        "lr": 0.1,
        "n": 3,
        "odd": "inf",
        "opt": {"name": "adam", "betas": [0.9]},
    }


def test_the_largest_values_of_a_configuration_that_is_too_large_are_left_out() -> None:
    config = {"small": 1, "large": "x" * 400_000, "larger": "y" * 450_000}
    assert set(point_from_message(plain_values(config))) == {"small", "large"}


async def ended_as(process: subprocess.Popen[bytes], folder: StandaloneFolder) -> Outcome:
    """Return how a run has ended if the agent has a descriptor of its process."""
    with_script(folder.path, pid=process.pid)
    found = Scripts((process.pid, os.pidfd_open(process.pid))).find(folder)
    ending = asyncio.create_task(found.ended())
    await asyncio.to_thread(process.wait)
    return await ending


@pytest.mark.parametrize(
    ("recorded", "code", "outcome"),
    [
        ({}, "import os; os._exit(5)", 5),
        ({"ended": 200.0, "exit_code": 0, "at_exit": True}, "raise SystemExit(3)", 3),
        ({"ended": 200.0, "exit_code": 2, "at_exit": True}, "", 0),
        ({"ended": 200.0, "exit_code": 2}, "", 2),
        ({"ended": 200.0, "exit_code": 4, "at_exit": True}, "import os; os.kill(os.getpid(), 9)", 4),
        ({}, "import os; os.kill(os.getpid(), 9)", None),
    ],
)
def test_the_exit_status_of_the_system_counts_unless_the_script_finished_its_run_before(
    tmp_path: Path, recorded: dict[str, object], code: str, outcome: int | None
) -> None:
    itself = os.pidfd_open(os.getpid())
    is_reported = reports_exit_codes(itself)
    os.close(itself)
    if not is_reported:
        pytest.skip("exit codes of other processes are available from Linux 6.15 on")
    folder = a_folder(tmp_path, **recorded)
    (tmp_path / "agent").mkdir()
    ended = asyncio.run(ended_as(subprocess.Popen([sys.executable, "-c", code]), folder))
    assert (ended.code, ended.orphaned) == (outcome, outcome is None)
    again = Scripts().outcome(StandaloneFolder(tmp_path))  # as a later sync of the folder finds it
    assert (again.code, again.orphaned) == (ended.code, ended.orphaned)
    assert Scripts().outcome(a_folder(tmp_path, attempt=2, started=300.0)).code is None
