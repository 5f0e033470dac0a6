"""Creating and checking sweeps from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1

GOOD = (
    "program: train.py\nmethod: random\nmetric: {name: loss}\nrun_cap: 3\n"
    "parameters: {x: {min: 0.0, max: 1.0}}\n"
)
BAD = "methd: random\nparameters: {x: {min: 3, max: 1}}\n"


def created(server: ScriptedServer) -> v1.CreateSweepRequest:
    (request,) = server.sweeps.requests
    assert isinstance(request, v1.CreateSweepRequest)
    return request


def test_create_prints_only_the_full_name_to_stdout_and_the_agent_command_to_stderr(
    ctl: Ctl, server: ScriptedServer, home: Path
) -> None:
    (home / "sweep.yaml").write_text(GOOD)
    done = ctl("create", "sweep.yaml")
    assert done.out == "local/train/drawn\n"
    assert f"sweep-agent --sweep local/train/drawn --server {server.address}" in done.err
    request = created(server)
    assert request.parent == "local/train"
    assert request.request_id
    assert request.source.content == GOOD.encode()
    assert request.spec.run_cap == 3


def test_flags_of_create_replace_values_of_the_file(ctl: Ctl, server: ScriptedServer, home: Path) -> None:
    (home / "sweep.yaml").write_text(GOOD)
    flags = ("--id", "mine", "--name", "A name", "--program", "x.py", "--project", "p", "--entity", "e")
    done = ctl("create", "sweep.yaml", *flags, "--request-id", "once", "-q")
    assert (done.out, done.err) == ("e/p/mine\n", "")
    request = created(server)
    assert (request.request_id, request.spec.name, request.spec.program) == ("once", "A name", "x.py")


def test_create_reads_stdin(ctl: Ctl, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert ctl("create", "-").out == "local/train/drawn\n"
    assert created(server).source.file_name == "stdin"


def test_create_as_json_names_the_agent_command(ctl: Ctl, home: Path) -> None:
    (home / "sweep.yaml").write_text(GOOD)
    document = ctl("create", "sweep.yaml", "-o", "json").json
    assert isinstance(document, dict)
    assert document["name"] == "local/train/drawn"
    assert str(document["agentCommand"]).startswith("sweep-agent --sweep local/train/drawn")


def test_create_explains_how_to_end_a_sweep_that_does_not_end_automatically(ctl: Ctl, home: Path) -> None:
    (home / "sweep.yaml").write_text(GOOD.replace("run_cap: 3\n", ""))
    assert "runs until `sweepctl stop local/train/drawn`" in ctl("create", "sweep.yaml").err
    document = ctl("create", "sweep.yaml", "-o", "json").json
    assert isinstance(document, dict)
    assert document["plannedRuns"] is None


def test_an_invalid_file_is_refused_with_all_findings_and_never_sent(
    ctl: Ctl, server: ScriptedServer, home: Path
) -> None:
    (home / "sweep.yaml").write_text(BAD)
    done = ctl("create", "sweep.yaml", code=5)
    assert done.out == ""
    assert "sweep.yaml:1:1: methd: " in done.err
    assert "did you mean `method`?" in done.err
    assert "parameters.x" in done.err
    assert server.sweeps.requests == []


def test_findings_as_json_are_one_object_per_line(offline: Ctl, home: Path) -> None:
    (home / "sweep.yaml").write_text(BAD)
    done = offline("validate", "sweep.yaml", "--error-format", "json", code=5)
    findings = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert {finding["path"] for finding in findings} >= {"methd", "parameters.x"}
    assert all(finding["line"] >= 1 for finding in findings)


def test_validate_needs_no_server(offline: Ctl, home: Path) -> None:
    (home / "sweep.yaml").write_text(GOOD)
    assert "valid" in offline("validate", "sweep.yaml").err


def test_validate_and_create_warn_where_a_sweep_with_normalised_names_will_be_created(
    ctl: Ctl, server: ScriptedServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "sweep.yaml").write_text(f"{GOOD}project: Mein Projekt!\nentity: Größe\n")
    warning = (
        'warning: sweep.yaml:6:10: project: the sweep will be created in "grosse/mein-projekt": names have'
    )
    for command in ("validate", "create"):
        done = ctl(command, "sweep.yaml")
        assert done.err.count("warning: ") == 1
        assert warning in done.err
    assert created(server).parent == "grosse/mein-projekt"
    assert ctl("create", "sweep.yaml", "--entity", "me").err.startswith(
        'warning: sweep.yaml:6:10: project: the sweep will be created in the project "mein-projekt": names '
    )
    assert ctl("create", "sweep.yaml", "--project", "mine", "--entity", "me").out == "me/mine/drawn\n"
    monkeypatch.setenv("SWEEPD_PROJECT", "told")
    monkeypatch.setenv("SWEEPD_ENTITY", "me")
    assert "warning" not in ctl("validate", "sweep.yaml").err


def test_a_name_without_any_legal_character_is_refused_unless_it_is_replaced(ctl: Ctl, home: Path) -> None:
    (home / "sweep.yaml").write_text(f"{GOOD}project: 实验\n")
    for command in ("validate", "create"):
        output = ctl(command, "sweep.yaml", code=5).err
        assert (
            'sweep.yaml:6:10: project: "实验" has no character that is valid in a name; write 1 to 64 lower'
            in output
        )
        assert "or pass --project" in output
    assert ctl("create", "sweep.yaml", "--project", "mine").out == "local/mine/drawn\n"


def test_names_in_flags_and_variables_are_not_normalised(
    ctl: Ctl, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "sweep.yaml").write_text(GOOD)
    output = ctl("create", "sweep.yaml", "--project", "MNIST", code=2).err
    assert "'MNIST' is not a valid project name" in output
    assert "write `mnist`; names have 1 to 64 lower-case letters" in output
    monkeypatch.setenv("SWEEPD_ENTITY", "Some Team")
    output = ctl("create", "sweep.yaml", code=2).err
    assert "'Some Team' is not a valid entity name" in output
    assert "write `some-team`; " in output


def test_validate_prints_json_to_stdout_for_valid_and_invalid_files(offline: Ctl, home: Path) -> None:
    (home / "good.yaml").write_text(GOOD)
    (home / "bad.yaml").write_text(BAD)
    good, bad = (
        offline("validate", "good.yaml", "-o", "json").json,
        offline("validate", "bad.yaml", "-o", "json", code=5).json,
    )
    assert isinstance(good, dict)
    assert isinstance(bad, dict)
    assert (good["valid"], good["diagnostics"]) == (True, [])
    assert bad["valid"] is False
    assert bad["diagnostics"]


def test_a_missing_file_is_invalid(offline: Ctl) -> None:
    output = offline("create", "nothing.yaml", code=5).err
    assert "nothing.yaml: cannot read the file" in output
    assert "named above" not in output


def test_an_illegal_id_is_refused_by_the_client(ctl: Ctl, home: Path) -> None:
    (home / "sweep.yaml").write_text(GOOD)
    assert "'No Good' is not a valid sweep id" in ctl("create", "sweep.yaml", "--id", "No Good", code=2).err
