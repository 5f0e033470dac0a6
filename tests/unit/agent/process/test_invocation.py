"""Program, interpreter and script of a command are checked before its start."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from sweepd_agent.process.invocation import missing_program

# Debian alone has python3, but no python.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    (tmp_path / "pack").mkdir()
    for name, first in (("run.sh", "#!/bin/sh\n"), ("lost.sh", "#!/nowhere/python\n"), ("plain.sh", "")):
        (tmp_path / name).write_text(first)
        (tmp_path / name).chmod(0o644 if name == "plain.sh" else 0o755)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "python train.py",
        "/usr/bin/env python train.py --lr=1",
        "/usr/bin/env A=b python3 -u -W ignore -X dev train.py",
        "python -uWignore ./train.py",
        "python -m no_such_module",
        "python -um train",
        "python -c pass",
        "python - missing.py",
        "python --version",
        "python pack",
        "sh -c missing.sh",
        "bash -euo pipefail run.sh",
        "bash -ec missing.sh",
        "sh run.sh",
        "sh ls",
        "./run.sh missing.py",
        "env -C /tmp python missing.py",
        "env -S python",
        "env PATH=/nowhere python missing.py",
        "nice python train.py",
        "nice -n 5 python missing.py",
        "xargs python missing.py",
        "true missing.py",
    ],
)
def test_a_command_whose_programs_exist_is_started(command: str) -> None:
    assert missing_program(command.split(), {"PATH": PATH}) is None


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("python missing.py", "program missing.py does not exist (working directory "),
        ("/usr/bin/env python missing.py", "program missing.py does not exist"),
        ("env A=b python3.11 -u missing.py", "program "),
        ("python -X dev -W ignore sub/missing.py --lr=1", "program sub/missing.py does not exist"),
        ("python /nowhere/train.py", "program /nowhere/train.py does not exist"),
        ("python -- missing.py", "program missing.py does not exist"),
        ("bash -euo pipefail missing.sh", "program missing.sh does not exist"),
        ("sh +e missing.sh", "program missing.sh does not exist"),
        ("perl missing.pl", "program missing.pl does not exist"),
        ("nohup nice python missing.py", "program missing.py does not exist"),
        ("no-such-program", "program no-such-program not found on the PATH"),
        ("/usr/bin/env no-such-program x", "program no-such-program not found on the PATH"),
        ("./missing.sh", "program ./missing.sh does not exist (working directory "),
        ("/nowhere/python train.py", "program /nowhere/python does not exist"),
        ("./plain.sh", "program ./plain.sh is not executable"),
        ("./pack", "program ./pack is not executable"),
        ("./lost.sh", "the interpreter /nowhere/python of program ./lost.sh does not exist"),
    ],
)
def test_a_command_that_cannot_start_is_refused_with_the_reason(command: str, why: str) -> None:
    missing = missing_program(command.split(), {"PATH": PATH})
    assert missing is not None
    assert missing.reason.startswith(why)
    assert missing.position is not None
    assert command.split()[missing.position] in why or "interpreter" in why or why == "program "


def test_a_script_created_later_is_found_then(folder: Path) -> None:
    command = ["python", "later.py"]
    assert missing_program(command, {"PATH": PATH}) is not None
    (folder / "later.py").write_text("")
    assert missing_program(command, {"PATH": PATH}) is None


def test_a_dangling_link_is_not_a_program(folder: Path) -> None:
    (folder / "link.py").symlink_to(folder / "gone.py")
    assert missing_program(["python", "link.py"], {"PATH": PATH}) is not None


def test_a_removed_working_directory_prevents_the_start(folder: Path) -> None:
    (folder / "inner").mkdir()
    os.chdir(folder / "inner")
    shutil.rmtree(folder / "inner")
    missing = missing_program(["python", "-c", "pass"], {"PATH": PATH})
    assert missing is not None
    assert missing.position is None
    assert missing.reason == "the working directory of the agent no longer exists"
