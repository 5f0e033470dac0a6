"""Commands that change a sweep, and failures that all commands have in common."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from sweepd.cli.main import COMMANDS
from unit.cli.messages import NAME, a_sweep


@pytest.fixture(autouse=True)
def _a_sweep(server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME] = a_sweep()


def test_pause_prints_the_sweep_and_its_request_id(ctl: Ctl, server: ScriptedServer) -> None:
    assert ctl("pause", "k3x9v2ab").out == f"{NAME}\n"
    (request,) = server.sweeps.requests
    assert isinstance(request, v1.PauseSweepRequest)
    assert request.request_id
    document = ctl("pause", NAME, "-o", "json").json
    assert isinstance(document, dict)
    assert document["state"] == "paused"


def test_the_state_of_a_sweep_and_its_live_runs_are_reported_once(ctl: Ctl, server: ScriptedServer) -> None:
    assert ctl("pause", NAME).err == "Paused.\n"
    server.sweeps.sweeps[NAME].run_counts.running = 1
    assert ctl("pause", NAME).err == "Paused; 1 live run continues.\n"
    server.sweeps.sweeps[NAME].run_counts.assigned = 1
    assert ctl("pause", NAME).err == "Paused; 2 live runs continue.\n"


def test_a_command_that_the_state_does_not_allow_fails_with_the_reason_of_the_server(
    ctl: Ctl, server: ScriptedServer
) -> None:
    server.sweeps.sweeps[NAME].state = v1.SWEEP_STATE_FINISHED
    assert "is finished" in ctl("pause", NAME, code=1).err
    error = json.loads(ctl("pause", NAME, "-o", "json", code=1).err)["error"]
    assert (error["code"], error["reason"]) == ("FAILED_PRECONDITION", "wrong-state")


def test_cancel_without_a_terminal_requires_the_flag_yes(ctl: Ctl, server: ScriptedServer) -> None:
    assert "--yes" in ctl("cancel", NAME, code=2).err
    assert server.sweeps.requests == []
    server.sweeps.unconfirmed = [f"{NAME}-1"]
    done = ctl("cancel", NAME, "--yes")
    assert done.out == f"{NAME}\n"
    assert f"{NAME}-1: its agent is disconnected" in done.err


def test_a_server_that_was_never_started_or_has_stopped_is_unreachable(
    ctl: Ctl, server: ScriptedServer
) -> None:
    server.stop()
    done = ctl("list", code=6)
    assert done.err.count("error:") == 1
    assert server.address in done.err


def test_without_a_known_server_the_error_names_the_remedy(offline: Ctl) -> None:
    assert "sweepd up" in offline("list", code=6).err


def test_a_wrong_token_is_denied_and_not_repeated(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPD_TOKEN", "not-the-token")
    done = ctl("list", code=4)
    assert "token" in done.err
    assert "not-the-token" not in done.err


def test_the_token_file_takes_precedence_over_the_environment(
    ctl: Ctl, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPD_TOKEN", "not-the-token")
    file = str(home / "token")
    Path(file).write_text("let-me-in\n")
    assert ctl("list", "--token-file", file, "-o", "name").out == f"{NAME}\n"
    assert ctl("--token-file", file, "list", "-o", "name").out == f"{NAME}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("lst",),
        ("list", "--nope"),
        ("get",),
        ("get", "a", "b", "c"),
        ("list", "-o", "html"),
        ("wait", "x", "--timeout", "ten"),
    ],
)
def test_a_usage_error_is_one_error_with_exit_code_2(ctl: Ctl, arguments: tuple[str, ...]) -> None:
    done = ctl(*arguments, code=2)
    assert done.err.startswith("error: ")
    assert done.out == ""


@pytest.mark.parametrize(
    ("typed", "command"),
    [("validat", "validate"), ("ls", "list"), ("lst", "list"), ("show", "get"), ("pasue", "pause")],
)
def test_an_unknown_command_suggests_the_one_that_is_probably_meant(
    offline: Ctl, typed: str, command: str
) -> None:
    assert f"did you mean `{command}`?" in offline(typed, code=2).err


@pytest.mark.parametrize("typed", ["clone", "init", "delete", "import", "sever", "agnet-x"])
def test_an_unknown_command_unlike_any_other_gets_no_suggestion(offline: Ctl, typed: str) -> None:
    assert "did you mean" not in offline(typed, code=2).err


@pytest.mark.parametrize(
    ("typed", "message"),
    [("agent", "with `sweep-agent ID`"), ("up", "`sweepd up`"), ("down", "`sweepd down`")],
)
def test_the_error_names_the_command_to_use_instead(offline: Ctl, typed: str, message: str) -> None:
    err = offline(typed, code=2).err
    assert message in err
    assert "did you mean" not in err


SWEEP_COMMANDS = ("pause", "resume", "cancel", "edit", "enqueue", "runs", "best", "agents", "retry")


@pytest.mark.parametrize("command", SWEEP_COMMANDS)
def test_a_command_for_sweeps_refuses_a_standalone_run_with_an_explanation(
    ctl: Ctl, server: ScriptedServer, command: str
) -> None:
    name = "local/train/byhand42"
    server.sweeps.runs[name] = v1.Run(name=name, state=v1.RUN_STATE_RUNNING, attempt=1)
    flags = {"cancel": ["--yes"], "edit": ["--name", "x"], "enqueue": ["--param", "a=1"]}.get(command, [])
    flags += ["--state", "failed"] if command == "retry" else []
    output = ctl(command, name, *flags, code=2).err
    assert output.startswith(
        f"error: {name} is a standalone run, which belongs to no sweep; expected a sweep\n"
    )
    assert f"`sweepctl stop {name}` ends it" in output
    assert server.sweeps.requests == []


def test_help_goes_to_stdout_and_short_help_has_no_examples(offline: Ctl) -> None:
    assert "Commands:" in offline().out
    assert "Examples:" in offline("create", "--help").out
    assert "Examples:" not in offline("create", "-h").out
    assert "  sweepctl create sweep.yaml --id lr-search --prior-project mnist --filter state=finished\n" in (
        offline("create", "--help").out
    )
    assert offline("help", "create").out == offline("create", "--help").out
    assert "130  Ctrl-C" in offline("help", "exit-codes").out
    assert "SWEEPD_ADDRESS" in offline("help", "environment").out
    for command in COMMANDS:
        assert offline(command, "--help").err == ""


def test_version_prints_client_and_server_and_warns_when_they_differ(
    ctl: Ctl, server: ScriptedServer
) -> None:
    assert ctl("version", "-o", "json").json == {"client": "0.1.0", "server": "0.1.0", "protocol": 1}
    server.info.version = "0.9.0"
    assert ctl("version").err.count("warning:") == 1


def test_the_flag_version_needs_no_server(offline: Ctl) -> None:
    assert offline("--version").out == "sweepctl 0.1.0\n"


def test_version_without_a_server_prints_that_of_the_client(offline: Ctl) -> None:
    assert offline("version", "-o", "json").json == {"client": "0.1.0", "server": None, "protocol": None}


def test_a_command_ends_quietly_when_its_reader_closes_the_pipe(ctl: Ctl, server: ScriptedServer) -> None:
    for number in range(20):
        name = f"local/many/s{number}"
        server.sweeps.sweeps[name] = a_sweep(name)
        server.sweeps.sweeps[name].spec.description = "x" * 20_000
    program = f"{sys.executable} -m sweepd.cli.main list -o json | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "0"
    assert done.stderr == ""
