"""Logins, tokens and contexts by the commands of users: real services, a real terminal."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from component.accounts.deployment import OWN, Deployment, a_deployment
from component.cli.conftest import Ctl
from component.cli.terminal import on_terminal
from component.scheduler.serving import TOKEN
from sweepd.rpc.contexts import config_file, read_contexts
from sweepd_kernel.auth.authenticator import TOKEN_FORM

CTL = [sys.executable, "-m", "sweepd.cli.main"]


class Served:
    """A deployment whose event loop runs in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stopping = asyncio.Event()
        opened: Future[Deployment] = Future()
        self._living = asyncio.run_coroutine_threadsafe(self._live(folder, opened), self._loop)
        self.deployment = opened.result(30)

    async def _live(self, folder: Path, opened: Future[Deployment]) -> None:
        async with a_deployment(folder) as deployment:
            opened.set_result(deployment)
            await self._stopping.wait()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def token(self, scope: str, *projects: str) -> tuple[str, str]:
        key, secret = self.do(self.deployment.token(scope, projects))
        return key, secret

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._living.result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name in [name for name in os.environ if name.startswith("SWEEPD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with ExitStack() as stack:
        served = Served(tmp_path / "services")
        stack.callback(served.close)
        yield served


@pytest.fixture
def ctl(served: Served, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Return `sweepctl` for the account that has started the server."""
    return Ctl(capsys)


def logged_in(ctl: Ctl, served: Served, tmp_path: Path, secret: str, *flags: str) -> None:
    file = tmp_path / "the-token"
    file.write_text(f"{secret}\n")
    called = ctl("login", served.deployment.gateway.address, "--token-file", str(file), *flags)
    file.unlink()
    assert secret not in called.out + called.err


def test_a_login_is_stored_readable_by_its_owner_only_and_used_by_later_commands(
    served: Served, ctl: Ctl, tmp_path: Path
) -> None:
    key, secret = served.token("read", OWN)
    logged_in(ctl, served, tmp_path, secret)
    path = config_file(os.environ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    who = ctl("whoami", "-o", "json").json
    assert isinstance(who, dict)
    assert (who["id"], who["account"], who["scope"], who["projects"]) == (key, "owner", "read", [OWN])
    assert ctl("list", "-o", "name").out.split() == [served.deployment.sweeps[OWN]]
    refused = ctl("stop", served.deployment.sweeps[OWN], code=4)
    assert "needs a token of scope write" in refused.err
    logout = ctl("logout")
    assert "remains valid" in logout.err
    assert "owner at" in ctl("whoami").out  # as the account that runs the server, by its local entry
    assert ctl("logout", code=3).err.startswith("error: not logged in to any server")


def test_a_token_that_the_server_refuses_is_not_stored(served: Served, ctl: Ctl, tmp_path: Path) -> None:
    file = tmp_path / "wrong"
    file.write_text("swp_" + "x" * 43)
    address = served.deployment.gateway.address
    refused = ctl("login", address, "--token-file", str(file), code=4)
    assert "not one of this server's" in refused.err
    assert "swp_" not in refused.err
    assert not config_file(os.environ).exists()
    assert ctl("login", "127.0.0.1:1", "--token-file", str(file), code=6).err
    assert ctl("login", address, "--token-file", str(tmp_path / "none"), code=1).err
    assert ctl("login", code=2).err


def test_the_token_is_asked_for_without_echo(served: Served) -> None:
    _, secret = served.token("write")
    command = ["login", served.deployment.gateway.address]
    status, screen = on_terminal(command, os.environ, f"{secret}\n".encode(), asked=b"Token for")
    assert status == 0, screen
    assert "Token for" in screen
    assert "Logged in" in screen
    assert secret not in screen
    assert [each.token for each in read_contexts(os.environ).by_name.values()] == [secret]


def test_a_token_is_read_from_stdin_on_request_and_prompted_for_only_on_a_terminal(
    served: Served, ctl: Ctl
) -> None:
    _, secret = served.token("write")
    asked = ctl("login", served.deployment.gateway.address, code=2)
    assert asked.out == ""
    assert "without a terminal" in asked.err
    login = [*CTL, "login", served.deployment.gateway.address, "--token-file", "-"]
    piped = subprocess.run(login, input=f"{secret}\n", capture_output=True, text=True, check=False)
    assert piped.returncode == 0, piped.stderr
    assert secret not in piped.stdout + piped.stderr


def test_flags_take_precedence_over_variables_and_variables_over_contexts(
    served: Served, ctl: Ctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reader, read), (writer, write) = served.token("read"), served.token("write")
    logged_in(ctl, served, tmp_path, read, "--context", "reading")
    logged_in(ctl, served, tmp_path, write, "--context", "writing")

    def who(*flags: str) -> object:
        report = ctl("whoami", "-o", "json", *flags).json
        assert isinstance(report, dict)
        return report["id"]

    assert who() == writer
    monkeypatch.setenv("SWEEPD_CONTEXT", "reading")
    assert who() == reader
    monkeypatch.setenv("SWEEPD_TOKEN", TOKEN)
    assert who() is None
    file = tmp_path / "write"
    file.write_text(write)
    assert who("--token-file", str(file)) == writer
    origins = {row["name"]: row["origin"] for row in ctl("config", "view", "--origin", "-o", "jsonl").lines}
    assert origins["token"] == "SWEEPD_TOKEN"
    assert origins["server"] == "context reading"
    monkeypatch.delenv("SWEEPD_TOKEN")
    monkeypatch.delenv("SWEEPD_CONTEXT")
    ctl("config", "use-context", "reading")
    assert who() == reader
    assert "no context nobody" in ctl("config", "use-context", "nobody", code=3).err
    monkeypatch.setenv("SWEEPD_CONTEXT", "nobody")
    unknown_context = (
        "error: there is no context nobody\n  next:  `sweepctl config view` lists the contexts\n"
    )
    file.write_text("method: grid\ncommand: ['true']\nparameters: {lr: {values: [1]}}\n")
    for command in (["whoami"], ["list"], ["run", str(file)]):
        assert ctl(*command, code=3).err == unknown_context
    assert ctl("config", "get", "server", code=3).err  # since the selected context does not exist
    assert "no context nobody" in ctl("config", "set", "project", "mnist", code=3).err
    shown = ctl("config", "view", "-o", "json").out + ctl("config", "view", "--origin").out
    assert "swp_" not in shown


def test_the_error_about_a_broken_config_file_names_the_file_but_does_not_quote_it(
    served: Served, ctl: Ctl, tmp_path: Path
) -> None:
    _, secret = served.token("read")
    logged_in(ctl, served, tmp_path, secret)
    path = config_file(os.environ)
    path.write_text(path.read_text().replace('token = "', "token = "))
    refused = ctl("whoami", code=1)
    assert str(path) in refused.err
    assert secret not in refused.err
    assert ctl("config", "view", code=1).err.startswith(f"error: {path}")


def test_tokens_are_created_shown_once_listed_and_revoked(served: Served, ctl: Ctl) -> None:
    made = ctl(
        "token", "create", "--scope", "agent", "--project", OWN, "--expires", "30d", "--name", "an agent"
    )
    assert TOKEN_FORM.fullmatch(made.out.strip())
    assert made.out.count("\n") == 1
    assert made.out.strip() not in made.err
    (row,) = ctl("token", "list", "-o", "jsonl").lines
    assert (row["name"], row["scope"], row["projects"], row["state"]) == ("an agent", "agent", [OWN], "valid")
    listed = (
        ctl("token", "list").out
        + ctl("token", "list", "-o", "json").out
        + ctl("token", "list", "-o", "csv").out
    )
    assert "swp_" not in listed
    twice = [
        ctl("token", "create", "--scope", "read", "--request-id", "r-1", "-o", "json").out for _ in range(2)
    ]
    assert twice[0] == twice[1]
    assert json.loads(twice[0])["secret"].startswith("swp_")
    revoked_by_secret = ctl("token", "revoke", made.out.strip(), code=2)
    assert made.out.strip() not in revoked_by_secret.err
    assert "`sweepctl token list`" in ctl("token", "revoke", "nobody", code=3).err
    ctl("token", "revoke", str(row["id"]))
    states = {each["id"]: each["state"] for each in ctl("token", "list", "-o", "jsonl").lines}
    assert states[row["id"]] == "revoked"
    assert ctl("token", "revoke", "nobodys-one", code=3).err
    for words in (("token", "create"), ("token", "dance"), ("token", "list", "x"), ("token", "revoke")):
        assert ctl(*words, code=2).err
    assert (
        "options of a new token require `token create`" in ctl("token", "list", "--scope", "read", code=2).err
    )
    assert ctl("token", "create", "--scope", "read", "--expires", "soon", code=2).err
    assert ctl("token", "create", "--scope", "read", "--project", "Not/Legal/Name", code=2).err


def test_an_unknown_project_is_an_error_and_an_empty_project_is_not(served: Served, ctl: Ctl) -> None:
    output = ctl("runs", "--project", "acme/mnits", code=3).err
    assert "no project named acme/mnits; did you mean `acme/mnist`?" in output
    empty = ctl("runs", "--project", OWN, "--by-hand", "-o", "json")
    assert (empty.json, empty.err) == ([], "")


def test_projects_are_listed_with_their_numbers_of_sweeps_and_runs(
    served: Served, ctl: Ctl, tmp_path: Path
) -> None:
    _, secret = served.token("read", OWN)
    everything = [row["project"] for row in ctl("list", "--projects", "-o", "jsonl").lines]
    assert everything == ["acme/mnist", "globex/secret"]
    logged_in(ctl, served, tmp_path, secret)
    (row,) = ctl("list", "--projects", "-o", "jsonl").lines
    assert (row["project"], row["sweeps"], row["runs"]) == (OWN, 1, 1)
