"""Each verb is described where people look: its help, and the page of the command line."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from sweepd import v1
from sweepd.cli.account_shapes import token_shape
from sweepd.cli.bringing_in import Outcome
from sweepd.cli.main import VERBS
from sweepd.cli.run_folders import Found
from sweepd.cli.shapes import agent_shape, prior_run_shape, project_shape, run_shape, sweep_shape
from sweepd.cli.verb import Verb
from unit.cli.messages import a_run, a_sweep

PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_two_examples_that_call_it_and_a_row_on_the_page(verb: str) -> None:
    """C18."""
    command = import_module(f"sweepd.cli.commands.{verb.replace('-', '_')}").command
    assert isinstance(command, Verb)
    assert len(command.examples) == 2
    assert all(f"sweepctl {verb}" in example for example in command.examples)
    assert re.search(rf"^\|[^|]*`{verb}\b|^\|[^|]*, `{verb}\b", PAGE, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_each_option_of_a_verb_is_on_the_page_by_one_of_its_names(verb: str) -> None:
    command = import_module(f"sweepd.cli.commands.{verb.replace('-', '_')}").command
    assert isinstance(command, Verb)
    for option in command.params:
        if isinstance(option, click.Option):
            named = [name for name in option.opts if re.search(rf"(?<![\w-]){name}(?![\w-])", PAGE)]
            assert named, f"{verb} {option.opts} is not in docs/command-line.md"


SHAPES = {
    "sweep": sweep_shape(a_sweep()),
    "run": run_shape(a_run()),
    "prior run": prior_run_shape(v1.PriorRun()),
    "project": project_shape(v1.Project()),
    "agent": agent_shape(v1.Agent()),
    "token": token_shape(v1.Token()),
    "folder": Outcome(found=Found(Path(), ""), what="brought-in").shape(),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_member_of_the_json_is_on_the_page(shape: str) -> None:
    """C4."""
    members = set(re.findall(r'`(\w+)`|"(\w+)"', PAGE))
    described = {word for pair in members for word in pair}
    assert set(SHAPES[shape]) - described == set()
