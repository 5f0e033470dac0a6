"""The arguments of the best run, for a shell."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepd.cli.failures import Problem
from sweepd.cli.show.outcome import reproduce_arguments, shell_line
from sweepd.spec.point import Json

PARAMS: dict[str, Json] = {"lr": 0.1, "s": "a b"}


def arguments(command: list[str], argv: list[str], environ: dict[str, str] | None = None) -> list[str]:
    return reproduce_arguments(command, program="train.py", params=PARAMS, argv=argv, environ=environ or {})


def test_the_recorded_arguments_after_the_program_are_returned() -> None:
    recorded = ["/usr/bin/env", "python", "train.py", "--lr=0.1", "--s=a b"]
    assert arguments([], recorded) == ["--lr=0.1", "--s=a b"]


def test_everything_before_the_program_is_left_out() -> None:
    command = ["${envvar:LAUNCHER}", "-n", "2", "${program}", "--epochs", "5", "${args_no_equals}"]
    recorded = ["torchrun", "-n", "2", "train.py", "--epochs", "5", "--lr", "0.1", "--s", "a b"]
    assert arguments(command, recorded) == ["--epochs", "5", "--lr", "0.1", "--s", "a b"]


def test_without_recorded_arguments_the_command_is_expanded() -> None:
    assert arguments([], []) == ["--lr=0.1", "--s=a b"]
    assert arguments(["${env}", "my-tool", "${args_append_hydra}"], []) == ["+lr=0.1", "+s=a b"]


def test_a_command_without_arguments_returns_none() -> None:
    assert arguments(["./go.sh"], ["./go.sh"]) == []


def test_a_macro_that_only_an_agent_can_expand_is_a_clear_error() -> None:
    with pytest.raises(Problem, match="cannot be determined"):
        arguments(["${program}", "${envvar:SECRET}"], [])


def test_a_line_feed_is_quoted_on_one_line() -> None:
    line = shell_line(["--s=a\nb'c\\d"])
    assert "\n" not in line
    done = subprocess.run(["bash", "-c", f"printf %s {line}"], capture_output=True, check=True)
    assert done.stdout == b"--s=a\nb'c\\d"


@given(st.lists(st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"]))))
def test_a_shell_parses_the_arguments_back(words: list[str]) -> None:
    assert shlex.split(shell_line(words)) == words


@settings(max_examples=20)
@given(st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=0x17F)), min_size=1, max_size=4))
def test_bash_parses_the_arguments_back_including_control_characters(words: list[str]) -> None:
    script = "import sys; sys.stdout.buffer.write('\\0'.join(sys.argv[1:]).encode())"
    done = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -S -c {shlex.quote(script)} {shell_line(words)}"],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert done.stdout.decode() == "\0".join(words)
