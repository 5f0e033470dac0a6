"""Attempts that resume from a checkpoint, and scripts that report preemption."""

from __future__ import annotations

import json
import sys

import pytest

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1

LOG = """
import os, pathlib, sys, time
def line(text):
    with open(os.environ["SWEEPD_METRICS_FILE"], "a") as file:
        file.write(text + "\\n")
for text in sys.argv[1:]:
    line(text)
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
"""
CHECKPOINT_KEY = 2**32 - 1


def rows(first_step: int | None, count: int = 3) -> list[str]:
    steps = [None if first_step is None else first_step + n for n in range(count)]
    return [json.dumps({"loss": 1.0} | ({} if step is None else {"_step": step})) for step in steps]


@pytest.mark.parametrize(
    ("attempt", "lines", "resumed_from"),
    [
        (2, rows(7), 6),
        (2, rows(0), None),
        (2, rows(None), None),
        (1, rows(7), None),
        (3, ['{"other": 1}', *rows(4)], 3),  # a child of the script may have been faster
    ],
)
def test_the_first_step_of_a_later_attempt_is_reported_as_the_step_it_resumed_from(
    scheduler: ScriptedScheduler,
    machine: Machine,
    attempt: int,
    lines: list[str],
    resumed_from: int | None,
) -> None:
    (machine.folder / "enough").touch()
    machine.write("log.py", LOG)
    run = scheduler.add(sys.executable, "log.py", *lines, attempt=attempt)
    machine.start("--count", "1")
    ended = scheduler.ended(run)
    scheduler.until(lambda: ended.point_row == len(lines))
    assert ended.resumed_from == resumed_from
    assert ended.resumed_before == (None if resumed_from is None else 0), (
        "reported before the rows that follow it"
    )


@pytest.mark.parametrize("how", ["the stream breaks", "the agent is killed"])
def test_the_resumed_step_is_reported_again_when_it_may_have_been_lost(
    scheduler: ScriptedScheduler, machine: Machine, how: str
) -> None:
    machine.write("log.py", LOG)
    run = scheduler.add(sys.executable, "log.py", *rows(7), attempt=2)
    agent = machine.start()
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: attempt.point_row == 3)
    attempt.resumed_from = None
    if how == "the agent is killed":
        agent.kill()
        machine.start()
    else:
        scheduler.break_streams()
    scheduler.until(lambda: attempt.resumed_from == 6)
    (machine.folder / "enough").touch()
    assert scheduler.ended(run).resumed_from == 6


def test_a_checkpoint_is_reported_in_its_row(scheduler: ScriptedScheduler, machine: Machine) -> None:
    (machine.folder / "enough").touch()
    machine.write("log.py", LOG)
    lines = [*rows(0, 2), '{"_step": 1, "_checkpoint": 1}', *rows(2, 1)]
    run = scheduler.add(sys.executable, "log.py", *lines)
    machine.start("--count", "1")
    assert scheduler.ended(run).observations == [
        (1, 0, 1.0),
        (2, 0, 1.0),
        (3, CHECKPOINT_KEY, 0.0),
        (4, 0, 1.0),
    ]


def test_agents_with_the_same_storage_root_find_each_others_checkpoints(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    (machine.folder / "enough").touch()
    machine.write(
        "keep.py",
        "import os, pathlib\n"
        "file = pathlib.Path(os.environ['SWEEPD_CHECKPOINT_DIR']) / 'kept'\n"
        "print(file.read_text() if file.exists() else 'nothing', flush=True)\n"
        "file.write_text(os.environ['SWEEPD_ATTEMPT'])\n",
    )
    root = str(machine.folder / "shared" / "checkpoints")
    logs = []
    for attempt, flags in (
        (1, ("--checkpoint-root", root, "--storage", "nfs")),
        (2, ("--checkpoint-root", root)),
        (3, ()),
    ):
        run = scheduler.add_attempt(7, sys.executable, "keep.py", attempt=attempt)
        state = str(machine.folder / f"state-{attempt}")
        agent = machine.start("--state", state, "--count", "1", *flags)
        assert agent.ended() == 0
        ended = scheduler.ended(run)
        assert ended.number == attempt
        logs.append(ended.log)
    assert logs == [b"nothing\n", b"1\n", b"nothing\n"]
    storages = [session.hello.storage for session in scheduler.sessions]
    assert storages[0] == "nfs"
    assert storages[1].endswith(f":{root}")
    assert storages[2] == ""


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        ("sys.exit(3)", v1.EXIT_CAUSE_HANDED_BACK),
        ("os.kill(os.getpid(), 9)", v1.EXIT_CAUSE_HANDED_BACK),
        ("sys.exit(0)", v1.EXIT_CAUSE_EXITED),
    ],
)
def test_a_failure_after_reported_preemption_hands_the_run_back(
    scheduler: ScriptedScheduler, machine: Machine, end: str, cause: int
) -> None:
    machine.write("train.py", f"import os, sys, sweepd\nsweepd.mark_preempting()\n{end}\n")
    run = scheduler.add(sys.executable, "train.py")
    agent = machine.start("--count", "1", "--max-consecutive-failed-runs", "1")
    ended = scheduler.ended(run)
    assert ended.exit is not None
    assert ended.exit.exit.cause == cause
    assert agent.ended() == 0, "it is not a failure"


def test_a_named_storage_needs_a_folder(machine: Machine) -> None:
    assert machine.start("--storage", "nfs").ended() == 2


def test_a_root_that_is_not_writable_is_reported_at_start(machine: Machine) -> None:
    root = machine.write("file", "no folder") / "checkpoints"
    agent = machine.start("--checkpoint-root", str(root))
    assert agent.ended() == 1
    assert agent.log.read_text() == (
        f"error: checkpoints cannot be stored in {root}: Not a directory; choose a folder with "
        "--checkpoint-root\n"
    )
