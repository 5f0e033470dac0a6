"""`sweepctl config`: stored defaults of this account, and their effects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer

SWEEP = "program: train.py\nmethod: random\nrun_cap: 3\nparameters: {x: {min: 0.0, max: 1.0}}\n"


def test_new_sweeps_are_placed_by_the_stored_defaults_unless_something_else_places_them(
    ctl: Ctl, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "sweep.yaml").write_text(SWEEP)
    (home / "placed.yaml").write_text(f"{SWEEP}project: own\n")
    assert ctl("config", "set", "project", "mnist").err == "project is now mnist outside any context.\n"
    ctl("config", "set", "entity", "acme")
    assert ctl("create", "sweep.yaml", "-q").out == "acme/mnist/drawn\n"
    assert ctl("create", "placed.yaml", "-q").out == "acme/own/drawn\n"
    assert ctl("create", "sweep.yaml", "-q", "--project", "other").out == "acme/other/drawn\n"
    monkeypatch.setenv("SWEEPD_ENTITY", "me")
    assert ctl("create", "sweep.yaml", "-q").out == "me/mnist/drawn\n"
    assert "SWEEPD_ENTITY is set and takes precedence" in ctl("config", "set", "entity", "").err
    monkeypatch.delenv("SWEEPD_ENTITY")
    assert ctl("create", "sweep.yaml", "-q").out == "local/mnist/drawn\n"


def test_a_stored_format_applies_to_the_commands_that_support_it(
    ctl: Ctl, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctl("config", "set", "output", "json")
    assert ctl("list").json == []
    assert json.loads(ctl("get", "nope", code=3).err)["error"]["code"] == "NOT_FOUND"
    monkeypatch.setenv("SWEEPD_OUTPUT", "name")
    assert ctl("list").out == ""


def test_get_prints_the_value_in_use_and_as_json_also_its_origin(
    ctl: Ctl, server: ScriptedServer, home: Path
) -> None:
    ctl("config", "set", "project", "mnist")
    assert ctl("config", "get", "project").out == "mnist\n"
    assert ctl("config", "get", "project", "-o", "json").json == {
        "name": "project",
        "value": "mnist",
        "origin": str(home / "config" / "sweepd" / "config.toml"),
    }
    assert ctl("config", "get", "server").out == f"{server.address}\n"
    assert ctl("config", "get", "server", "--server", "elsewhere").out == "elsewhere:7333\n"
    assert "entity is not set" in ctl("config", "get", "entity", code=3).err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("set", "project", "MNIST"), "write `mnist`; "),
        (("set", "output", "html"), "one of table, wide, json"),
        (("set", "server", "x:1"), "sweepctl login ADDRESS"),
        (("set", "token", "swp_x"), "tokens are never shown"),
        (("get", "token"), "tokens are never shown"),
        (("get", "colour"), "one of server, context, entity, project, output"),
        (("set", "project"), "set NAME VALUE"),
        (("dance",), "set NAME VALUE"),
        (("get", "project", "--origin"), "--origin requires `view`"),
    ],
)
def test_a_value_that_cannot_be_stored_is_refused_with_a_remedy(
    offline: Ctl, words: tuple[str, ...], message: str
) -> None:
    done = offline("config", *words, code=2)
    assert message in done.err
    assert "swp_" not in done.err
