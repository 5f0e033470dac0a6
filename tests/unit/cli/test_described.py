"""Each command is described in its help and on the page of the command line."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from sweepd import v1
from sweepd.cli.command import Command
from sweepd.cli.commands.local.sync import Outcome, SyncFolder
from sweepd.cli.main import COMMANDS, group
from sweepd.views.entities import agent_shape, project_shape, token_shape
from sweepd.views.run import prior_run_shape, run_shape
from sweepd.views.sweep import sweep_shape
from unit.cli.messages import a_run, a_sweep

PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text(encoding="utf-8")


def _command(name: str) -> Command:
    with group.make_context("sweepctl", ["help"], resilient_parsing=True) as context:
        command = group.get_command(context, name)
    assert isinstance(command, Command)
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_two_examples_that_call_it_and_a_row_on_the_page(name: str) -> None:
    """C18."""
    command = _command(name)
    assert len(command.examples) == 2
    assert all(f"sweepctl {name}" in example for example in command.examples)
    assert re.search(rf"^\|[^|]*`{name}\b|^\|[^|]*, `{name}\b", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_of_a_command_is_on_the_page(name: str) -> None:
    command = _command(name)
    for option in command.params:
        if isinstance(option, click.Option):
            named = [name for name in option.opts if re.search(rf"(?<![\w-]){name}(?![\w-])", PAGE)]
            assert named, f"{name} {option.opts} is not in docs/command-line.md"


SHAPES = {
    "sweep": sweep_shape(a_sweep()),
    "run": run_shape(a_run()),
    "prior run": prior_run_shape(v1.PriorRun()),
    "project": project_shape(v1.Project()),
    "agent": agent_shape(v1.Agent()),
    "token": token_shape(v1.Token()),
    "folder": Outcome(found=SyncFolder(Path(), ""), what="brought-in").shape(),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_member_of_the_json_is_on_the_page(shape: str) -> None:
    """C4."""
    members = set(re.findall(r'`(\w+)`|"(\w+)"', PAGE))
    described = {word for pair in members for word in pair}
    assert set(SHAPES[shape]) - described == set()
