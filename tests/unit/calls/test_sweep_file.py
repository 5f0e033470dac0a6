"""Parent project of a new sweep, and its default name from the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweepd.calls.sweep_file import Overrides, parent_of, project_of, read_sweep
from sweepd.cli.commands.define.validate import checked_spec
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import problem_of
from sweepd.errors import InvalidError
from sweepd.spec.sweep_spec import SweepSpec

MINIMAL = "program: Train Me.py\nmethod: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"


def spec_of(text: str, folder: Path, overrides: Overrides | None = None) -> SweepSpec:
    file = folder / "sweep.yaml"
    file.write_text(text)
    return checked_spec(read_sweep(str(file)), error_format="text", overrides=overrides)


@pytest.mark.parametrize(
    ("program", "project"),
    [
        ("train.py", "train"),
        ("src/Train Me.py", "train-me"),
        ("__main__.py", "main__"),
        (None, "default"),
        ("ü.py", "u"),
        ("训练.py", "default"),
    ],
)
def test_a_program_names_its_project(program: str | None, project: str) -> None:
    assert project_of(program) == project


def test_without_a_program_the_script_in_the_command_names_the_project() -> None:
    assert project_of(None, ("bash", "train.sh", "${args}")) == "train"


def test_the_parent_comes_from_flag_environment_file_default_in_this_order(tmp_path: Path) -> None:
    plain = spec_of(MINIMAL, tmp_path)
    named = spec_of(MINIMAL + "project: filed\nentity: team\n", tmp_path)
    environ = {"SWEEPD_PROJECT": "told", "SWEEPD_ENTITY": "acme"}
    assert parent_of(plain, Overrides(), {}) == "local/train-me"
    assert parent_of(named, Overrides(), {}) == "team/filed"
    assert parent_of(named, Overrides(), environ) == "acme/told"
    assert parent_of(named, Overrides(project="flag", entity="e"), environ) == "e/flag"


def test_an_invalid_project_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="'No/Good' is not a valid project name; write `no-good`"):
        parent_of(spec_of(MINIMAL, tmp_path), Overrides(project="No/Good"), {})


def test_flags_override_keys_of_the_file(tmp_path: Path) -> None:
    spec = spec_of(MINIMAL, tmp_path, Overrides(name="mine", program="other.py"))
    assert (spec.name, spec.program) == ("mine", "other.py")


def test_every_finding_is_reported_before_the_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidError) as refusal:
        spec_of("methd: random\nparameters: {x: {min: 3, max: 1}}\n", tmp_path)
    assert problem_of(refusal.value).exit_code == ExitCode.INVALID
    output = capsys.readouterr().err
    assert f"{tmp_path}/sweep.yaml:1:1" in output
    assert "parameters.x" in output


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    text = read_sweep(str(tmp_path / "nothing.yaml"))
    assert text.spec is None
    assert "nothing.yaml" in str(text.diagnostics[0])
