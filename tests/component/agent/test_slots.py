"""Slot and devices of a process, and the properties of its agent that a command may use."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from component.agent.agent_processes import AgentProcess, Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from waiting import content_of

# Writes its environment, arguments and inputs into a file, and ends once the file `enough` exists.
REPORTS = """
import json, os, pathlib, sys, time
told = {"environ": dict(os.environ), "argv": sys.argv[1:], "cwd": os.getcwd()}
told["params"] = pathlib.Path(os.environ["SWEEPD_PARAMS_FILE"]).read_text()
told["yaml"] = pathlib.Path(os.environ["SWEEPD_SWEEP_PARAM_PATH"]).read_text()
name = f"told-{os.environ['SWEEPD_RUN_ID'].rpartition('-')[2]}.{os.environ['SWEEPD_ATTEMPT']}"
pathlib.Path(f".{name}").write_text(json.dumps(told))
os.rename(f".{name}", name)
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
"""
PLACED = ("--slot=${agent.slot}", "${agent.gpus}", "at-${agent.labels.site}", "${repeat}")


def hand_out_reporting(
    scheduler: ScriptedScheduler, machine: Machine, number: int, *items: str, repeat: int | None = None
) -> str:
    """Hand out a run that reports its environment."""
    machine.write("tell.py", REPORTS)
    return scheduler.add_attempt(
        number, sys.executable, "tell.py", *items, params={"lr": 1e-05, "s": "a b"}, repeat=repeat
    )


def report_of(machine: Machine, name: str) -> dict[str, object]:
    """Return the report of a run once it exists."""
    path = machine.folder / name
    document: dict[str, object] = json.loads(content_of(path))
    return document


def variable(report: dict[str, object], name: str) -> str | None:
    environ = report["environ"]
    assert isinstance(environ, dict)
    return environ.get(name)


def refused(machine: Machine, *flags: str, visible: str = "") -> str:
    """Start an agent that refuses its options; return its single line of output."""
    agent = machine.start(*flags, CUDA_VISIBLE_DEVICES=visible)
    assert agent.ended() == 2
    (line,) = agent.log.read_text().splitlines()
    return line


def test_each_slot_has_a_number_and_devices_and_passes_them_to_its_command(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """Sections 10, 11.1; architecture 5: `--gpus-per-run K`, `${agent.…}`, `${repeat}`, SWEEPD_REPEAT."""
    hand_out_reporting(scheduler, machine, 1, *PLACED, repeat=0)
    hand_out_reporting(scheduler, machine, 2, *PLACED, repeat=1)
    flags = (
        "--slots",
        "2",
        "--gpus-per-run",
        "2",
        "--gpus",
        "4,5,GPU-6,7",
        "--label",
        "site=lab b",
        "--count",
        "2",
    )
    agent = machine.start(*flags)
    first, second = report_of(machine, "told-1.1"), report_of(machine, "told-2.1")
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert first["argv"] == ["--slot=0", "4,5", "at-lab b", "0"]
    assert second["argv"] == ["--slot=1", "GPU-6,7", "at-lab b", "1"]
    for reported, slot, gpus in ((first, "0", "4,5"), (second, "1", "GPU-6,7")):
        assert variable(reported, "SWEEPD_SLOT") == variable(reported, "SWEEPD_REPEAT") == slot
        assert variable(reported, "CUDA_VISIBLE_DEVICES") == gpus
        assert reported["cwd"] == str(machine.folder)
        assert reported["params"] == '{"lr": 1e-05, "s": "a b"}\n'
        assert reported["yaml"] == '"lr": {value: 1.0e-05}\n"s": {value: "a b"}\n'
    started = {event["slot"]: (event["gpus"], event["repeat"]) for event in agent.events("run_started")}
    assert started == {0: (["4", "5"], 0), 1: (["GPU-6", "7"], 1)}


@pytest.mark.parametrize(
    ("flags", "visible", "expected"),
    [
        ((), None, None),
        ((), "3", "3"),
        (("--gpus-per-run", "0"), "3", ""),
        (("--gpus-per-run", "1"), "3,4", "3"),
    ],
)
def test_visible_devices_are_unchanged_unless_they_are_divided(
    scheduler: ScriptedScheduler,
    machine: Machine,
    flags: tuple[str, ...],
    visible: str | None,
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (machine.folder / "enough").touch()
    hand_out_reporting(scheduler, machine, 1)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert machine.start("--count", "1", *flags).ended() == 0
    seen = report_of(machine, "told-1.1")
    assert variable(seen, "CUDA_VISIBLE_DEVICES") == expected
    assert variable(seen, "SWEEPD_REPEAT") == "0"


def test_too_few_devices_for_the_slots_are_refused_at_start(machine: Machine, tmp_path: Path) -> None:
    error = refused(machine, "--slots", "3", "--gpus-per-run", "2", "--gpus", "0,1,2,3")
    assert error == "error: --slots 3 with --gpus-per-run 2 needs 6 GPUs; found 4 GPUs (--gpus)"
    error = refused(machine, "--gpus-per-run", "2", visible="1")
    assert error.endswith("needs 2 GPUs; found 1 GPU (CUDA_VISIBLE_DEVICES)")
    assert not (tmp_path / "state").exists()


def test_devices_without_a_number_per_run_are_refused(machine: Machine) -> None:
    agent = machine.start("--gpus", "0,1")
    assert agent.ended() == 2
    assert "--gpus requires --gpus-per-run" in agent.log.read_text()


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("--x=${agent.labels.site}", "the label site, which this agent lacks: --label site=VALUE sets it"),
        ("${agent.gpus}", "${agent.gpus}, but this agent has no --gpus-per-run"),
    ],
)
def test_a_run_whose_command_needs_what_its_agent_lacks_does_not_start(
    scheduler: ScriptedScheduler, machine: Machine, item: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    run = scheduler.add("echo", item)
    agent = machine.start("--count", "1")
    exited = scheduler.ended(run).exit
    assert agent.ended() == 0
    assert exited is not None
    assert exited.exit.cause == v1.EXIT_CAUSE_START_FAILED
    assert why in exited.exit.message
    assert "\n" not in exited.exit.message


def adopting(scheduler: ScriptedScheduler, machine: Machine, *flags: str) -> AgentProcess:
    """Kill an agent of two slots while its second run continues; start the next agent with `flags`."""
    hand_out_reporting(scheduler, machine, 1)
    hand_out_reporting(scheduler, machine, 2)
    first = machine.start("--slots", "2", "--gpus-per-run", "1", "--gpus", "0,1")
    assert variable(report_of(machine, "told-1.1"), "CUDA_VISIBLE_DEVICES") == "0"
    assert variable(report_of(machine, "told-2.1"), "CUDA_VISIBLE_DEVICES") == "1"
    stopped = scheduler.attempt("local/demo/tune-1")
    scheduler.stop_run(stopped, v1.STOP_MODE_KILL)
    scheduler.ended(stopped.run)
    first.kill()
    agent = machine.start("--slots", "2", *flags)
    scheduler.until(lambda: len(scheduler.sessions) == 2 and scheduler.session().offered)
    (adopted,) = agent.events("run_adopted")
    assert adopted["run"] == "local/demo/tune-2"
    return agent


def test_an_adopted_run_keeps_its_slot_and_devices(scheduler: ScriptedScheduler, machine: Machine) -> None:
    """A restarted agent never gives the devices of an adopted run to another one."""
    agent = adopting(scheduler, machine, "--gpus-per-run", "1", "--gpus", "0,1")
    hand_out_reporting(scheduler, machine, 3)
    seen = report_of(machine, "told-3.1")
    assert (variable(seen, "SWEEPD_SLOT"), variable(seen, "CUDA_VISIBLE_DEVICES")) == ("0", "0")
    (machine.folder / "enough").touch()
    scheduler.end_sweep()
    assert agent.ended() == 0


def test_devices_of_an_adopted_run_are_in_use_until_its_end_even_if_divided_differently(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = adopting(scheduler, machine, "--gpus-per-run", "1", "--gpus", "1,2")
    hand_out_reporting(scheduler, machine, 3)
    hand_out_reporting(scheduler, machine, 4)
    # Slot 0 would have device 1, which the adopted run of slot 1 sees: no slot is free.
    assert scheduler.session().room <= 0
    scheduler.stop_run(scheduler.attempt("local/demo/tune-2"), v1.STOP_MODE_KILL)
    seen = [report_of(machine, "told-3.1"), report_of(machine, "told-4.1")]
    assert [variable(one, "CUDA_VISIBLE_DEVICES") for one in seen] == ["1", "2"]
    (machine.folder / "enough").touch()
    scheduler.end_sweep()
    assert agent.ended() == 0
