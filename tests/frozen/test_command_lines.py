"""Names of commands, flags and choices, read from the help output."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.metadata import entry_points
from unittest.mock import patch

import pytest

from frozen.golden_files import Golden, Unchanged

_FLAG = re.compile(r"(?<![\w-])(--?[a-z][a-z0-9-]*)")
_COMMAND = re.compile(r"^  ([a-z][a-z-]+)  +\S", re.MULTILINE)


@pytest.fixture
def help_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that returns the help output of a command."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(command: str, *words: str) -> str:
        (script,) = entry_points(group="console_scripts", name=command)
        with patch.dict(os.environ):  # a command sets variables for itself that later commands must not see
            try:
                ended = script.load()([*words, "--help"])
            except SystemExit as end:
                ended = end.code
        assert not ended, (command, words, ended)
        return capsys.readouterr().out

    return call


def flags(text: str) -> list[str]:
    """Return the options listed in a help output, with their choices."""
    found = []
    for line in text.splitlines():
        if head := re.match(r"^  (?:    )?(-\S.*?)(?:  |$)", line):
            names = _FLAG.findall(head[1])
            choices = re.findall(
                r"\[[\w|-]+\]|\{[\w,-]+\}", head[1]
            )  # argparse may repeat the choices after each name
            found.append(" ".join([*names, *dict.fromkeys(choices)]))
    return sorted(found)


def test_commands_and_flags_of_sweepctl(help_of: Callable[..., str], unchanged: Unchanged) -> None:
    group = help_of("sweepctl")
    listed: dict[str, Golden] = {"sweepctl": flags(group)}
    for command in _COMMAND.findall(group.partition("Commands:")[2]):
        text = help_of("sweepctl", command)
        listed[f"sweepctl {command}"] = flags(text)
        for inner in _COMMAND.findall(text.partition("Commands:")[2]):
            listed[f"sweepctl {command} {inner}"] = flags(help_of("sweepctl", command, inner))
    assert len(listed) > 30
    unchanged("sweepctl_flags", listed)


def test_flags_of_sweep_agent(help_of: Callable[..., str], unchanged: Unchanged) -> None:
    unchanged("sweep_agent_flags", flags(help_of("sweep-agent")))


def test_commands_and_flags_of_sweepd(help_of: Callable[..., str], unchanged: Unchanged) -> None:
    services = sorted(entry.name for entry in entry_points(group="sweepd.services"))
    listed: dict[str, Golden] = {"sweepd": flags(help_of("sweepd"))}
    for name in ("up", "status", "down", "pair", *services):
        listed[f"sweepd {name}"] = flags(help_of("sweepd", name))
    unchanged("sweepd_flags", listed)


@pytest.mark.parametrize("topic", ["environment", "exit-codes"])
def test_topics_of_help(topic: str, unchanged: Unchanged, capsys: pytest.CaptureFixture[str]) -> None:
    """Compare only variables and codes; the wording of their explanations may change."""
    (script,) = entry_points(group="console_scripts", name="sweepctl")
    assert not script.load()(["help", topic])
    text = capsys.readouterr().out
    unchanged(
        f"help_{topic}", re.findall(r"^ *([A-Z][A-Z_]+(?:=\w+)?(?:, [A-Z_]+)*|\d+)  ", text, re.MULTILINE)
    )
