"""Start of a process: its inputs, reasons for a failed start, and the delay before the next one."""

from __future__ import annotations

import json
import os
import statistics
import sys

import pytest

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from sweepd.spec.macros import CommandError, check_room

REPORTS = """
import json, os, sys
told = {name: value for name, value in os.environ.items() if name.startswith("SWEEPD_")}
told["params"] = json.load(open(os.environ["SWEEPD_PARAMS_FILE"]))
told["argv"] = sys.argv[1:]
told["stdin"] = sys.stdin.read()
told["leader"] = os.getpid() == os.getpgid(0) == os.getsid(0)
told["checkpoints"] = os.path.isdir(os.environ["SWEEPD_CHECKPOINT_DIR"])
json.dump(told, open("told.json", "w"))
"""


def test_a_trial_gets_its_inputs_and_no_secret(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("tell.py", REPORTS)
    run = scheduler.add(
        sys.executable,
        "${program}",
        "${args}",
        "${envvar:HOME}",
        params={"s": "a b", "n": None},
        program="tell.py",
    )
    agent = machine.start("--count", "1", SWEEPD_TOKEN="secret")
    assert agent.ended() == 0
    report = json.loads((machine.folder / "told.json").read_text())
    assert report["SWEEPD_RUN_ID"] == run
    assert report["SWEEPD_SWEEP_ID"] == "local/demo/tune"
    assert (report["SWEEPD_ENTITY"], report["SWEEPD_PROJECT"], report["SWEEPD_ATTEMPT"]) == (
        "local",
        "demo",
        "1",
    )
    assert report["SWEEPD_METRICS_FILE"].startswith(report["SWEEPD_RUN_DIR"])
    assert report["params"] == {"s": "a b", "n": None}
    assert report["argv"] == ["--n=None", "--s=a b", str(machine.folder)]
    assert report["stdin"] == ""
    assert report["leader"]
    assert report["checkpoints"]
    assert "SWEEPD_TOKEN" not in report


@pytest.mark.parametrize(
    ("command", "program", "expected"),
    [
        ((), "missing.py", "program missing.py does not exist"),
        (("${env}", "python", "${program}", "${args}"), "missing.py", "program missing.py does not exist"),
        (("python", "missing.py"), "", "program missing.py does not exist"),
        (("${program}",), "./missing.sh", "program ./missing.sh does not exist"),
        (("no-such-program",), "", "program no-such-program not found on the PATH"),
        (("true", "${envvar:NOT_SET}"), "", "NOT_SET, which is not set"),
        (("train.txt",), "", "program train.txt not found on the PATH"),
    ],
)
def test_a_run_that_cannot_start_reports_why(
    scheduler: ScriptedScheduler, machine: Machine, command: tuple[str, ...], program: str, expected: str
) -> None:
    run = scheduler.add(*command, program=program)
    agent = machine.start("--count", "1")
    attempt = scheduler.ended(run)
    assert agent.ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_START_FAILED
    assert expected in attempt.exit.exit.message
    assert expected in agent.events("run_ended")[0]["message"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("command", "value", "expected"),
    [
        (("${script}",), "", "program '' not found on the PATH"),
        (("${script}",), " ", "program ' ' not found on the PATH"),
        (("./${script}.sh",), "missing", "program ./missing.sh does not exist"),
        (("${env}", "A=b", "python", "-u", "${script}"), "missing.py", "program missing.py does not exist"),
        (("sh", "run-${repeat}.sh"), "x", "program run-0.sh does not exist"),
        (("${args_no_hyphens}",), "x", "program script=x not found on the PATH"),
        (("${absent}", "--lr=1"), "x", "program --lr=1 not found on the PATH"),
    ],
)
def test_a_missing_program_named_by_the_point_is_a_failure_of_the_run(
    scheduler: ScriptedScheduler, machine: Machine, command: tuple[str, ...], value: str, expected: str
) -> None:
    run = scheduler.add(*command, params={"script": value})
    agent = machine.start("--count", "1")
    exited = scheduler.ended(run).exit
    assert agent.ended() == 0
    assert exited is not None
    assert exited.exit.cause == v1.EXIT_CAUSE_INVALID_COMMAND
    assert expected in exited.exit.message


def test_an_argument_that_the_locale_cannot_encode_prevents_the_start_of_a_run(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    command = ("sh", "-c", 'printf %s "$1" > told', "sh", "${s}")
    run = scheduler.add(*command, params={"s": "\u00fc\u6f22"})
    agent = machine.start("--count", "1", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    exited = scheduler.ended(run).exit
    assert agent.ended() == 0
    assert exited is not None
    assert exited.exit.cause == v1.EXIT_CAUSE_START_FAILED
    assert exited.exit.message == (
        "an argument contains the character \\xfc, which the agent's locale encoding (ascii) cannot "
        "represent; start the agent with LC_ALL=C.UTF-8"
    )
    run = scheduler.add(*command, params={"s": "\u00fc\u6f22"})
    agent = machine.start("--count", "1", LC_ALL="C.UTF-8")
    scheduler.ended(run)
    assert agent.ended() == 0
    assert (machine.folder / "told").read_text("utf-8") == "\u00fc\u6f22"


def test_the_size_of_arguments_is_counted_as_the_system_does() -> None:
    room, variables = min(os.sysconf("SC_ARG_MAX"), 6 * 2**20), {"A": "\u00fc"}
    arguments = ["/bin/true", *["x"] * 1_000, *["y" * 50_000] * ((room - 20_000) // 50_009)]
    with pytest.raises(CommandError) as raised:
        check_room(arguments, variables, 0)
    size = int(str(raised.value).partition(" take ")[2].partition(" ")[0].replace(",", ""))
    arguments[-1] += "y" * (room - size)
    check_room(arguments, variables, room)
    assert os.waitpid(os.posix_spawn("/bin/true", arguments, variables), 0)[1] == 0
    arguments[-1] += "y" * 16
    with pytest.raises(CommandError):
        check_room(arguments, variables, room)
    with pytest.raises(OSError, match="Argument list too long"):
        os.posix_spawn("/bin/true", arguments, variables)


def test_arguments_beyond_the_limit_of_the_system_prevent_the_start_of_a_run(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    room = min(os.sysconf("SC_ARG_MAX"), 6 * 2**20)
    params: dict[str, object] = {f"p{number:02}": "x" * 16_000 for number in range(30)}
    too_many = room // (30 * 16_000) + 1
    runs = [scheduler.add("true", *["${args}"] * count, params=params) for count in (too_many - 2, too_many)]
    agent = machine.start("--count", "2")
    started, refused = (scheduler.ended(run).exit for run in runs)
    assert agent.ended() == 0
    assert started is not None
    assert refused is not None
    assert (started.exit.cause, started.exit.code) == (v1.EXIT_CAUSE_EXITED, 0)
    assert refused.exit.cause == v1.EXIT_CAUSE_INVALID_COMMAND
    assert refused.exit.message.startswith("the arguments and the environment take ")
    assert refused.exit.message.endswith(
        f" bytes, more than the {room:,} that the system allows; use ${{args_json_file}}, or read the "
        "parameters with `sweepd.config`"
    )


def test_a_failed_run_shows_the_end_of_its_log(scheduler: ScriptedScheduler, machine: Machine) -> None:
    run = scheduler.add("sh", "-c", "seq 1000; echo out of luck >&2; exit 3")
    agent = machine.start("--count", "1")
    attempt = scheduler.ended(run)
    assert agent.ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 3
    assert attempt.exit.log_tail.endswith("999\n1000\nout of luck")


def test_logged_keys_are_listed_and_the_notice_of_an_end_is_shown(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    scheduler.notice = "the sweep optimises `loss`"
    run = scheduler.add("sh", "-c", 'echo \'{"acc": 1, "l": {"x": 2}}\' >> "$SWEEPD_METRICS_FILE"')
    agent = machine.start("--count", "1", "--log-format", "text")
    exited = scheduler.ended(run).exit
    assert agent.ended() == 0
    assert exited is not None
    assert list(exited.logged_keys) == ["acc", "l.x"]
    assert scheduler.notice in agent.log.read_text()


def test_a_repeated_start_command_starts_one_process(scheduler: ScriptedScheduler, machine: Machine) -> None:
    run = scheduler.add("sh", "-c", "echo once >> starts; while [ ! -e enough ]; do sleep 0.02; done")
    agent = machine.start("--count", "1")
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: attempt.pid)
    session = scheduler.session()
    start = v1.StartRun(
        command_id=99, run=run, sweep="local/demo/tune", attempt=1, run_handle=session.handle(attempt)
    )
    session.send(start_run=start)
    scheduler.until(lambda: any(result.command_id == 99 for result in scheduler.results))
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert (machine.folder / "starts").read_text() == "once\n"


def test_output_is_shown_on_request(scheduler: ScriptedScheduler, machine: Machine) -> None:
    scheduler.add("echo", "seen")
    agent = machine.start("--count", "1", "--show-output")
    assert agent.ended() == 0
    assert agent.log.with_suffix(".out").read_text() == "seen\n"


def test_slots_are_filled_and_count_is_exact(scheduler: ScriptedScheduler, machine: Machine) -> None:
    for _ in range(20):
        scheduler.add("sleep", "0.1")
    agent = machine.start("--slots", "4", "--count", "10")
    assert agent.ended() == 0
    assert sum(attempt.exit is not None for attempt in scheduler.attempts) == len(scheduler.attempts) == 10


def test_the_next_run_follows_within_200_ms(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("quick.sh", 'echo \'{"loss": 1}\' >> "$SWEEPD_METRICS_FILE"; date +%s.%N >> ends')
    machine.write("start.sh", "date +%s.%N >> starts; . ./quick.sh")
    for _ in range(50):
        scheduler.add("sh", "start.sh")
    agent = machine.start("--count", "50")
    assert agent.ended(within=60) == 0
    starts, ends = (
        [float(line) for line in (machine.folder / name).read_text().split()] for name in ("starts", "ends")
    )
    gaps = [start - end for start, end in zip(starts[1:], ends[:-1], strict=True)]
    assert statistics.median(gaps) < 0.2
    assert [len(attempt.observations) for attempt in scheduler.attempts] == [1] * 50
