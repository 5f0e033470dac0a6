"""P29 b, d, e: a revoked token ends streams but no trial; foreign objects are hidden; no secret leaks."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from processes import alive
from system.installation import Agent, Installation, Server
from system.promises import number, parent_of, state_of, sweep
from waiting import until


def make_token(installation: Installation, scope: str, *flags: str) -> tuple[str, str]:
    """Create a token with `sweepctl`; return its id and its secret."""
    made = installation.ctl("token", "create", "--scope", scope, "-o", "json", *flags)
    report = json.loads(made.stdout)
    return str(report["id"]), str(report["secret"])


def kept(installation: Installation, name: str, secret: str) -> str:
    path = installation.write(name, f"{secret}\n")
    path.chmod(0o600)
    return str(path)


def run_pid(agent: Agent) -> int:
    until(lambda: agent.events("run_started"), what="a run starts")
    return int(number(agent.events("run_started")[0], "run_pid"))


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def test_a_revoked_token_ends_no_trial_and_its_agent_reports_it_once(installation: Installation) -> None:
    server = installation.join_server()
    name = installation.create(sweep("patient.py"))
    project = name.rpartition("/")[0]
    key, secret = make_token(installation, "agent", "--project", project)
    file = kept(installation, "agent-token", secret)
    flags = ("--server", server.address, "--token-file", file)
    agent = installation.start_agent(name, *flags, state="agent")
    trial = run_pid(agent)
    revoked = time.monotonic()
    installation.ctl("token", "revoke", key)
    until(lambda: agent.events("disconnected"), within=10, what="the stream ends")
    (disconnected,) = agent.events("disconnected")
    assert "the token has been revoked" in str(disconnected["message"])
    assert number(disconnected, "mono") - revoked < 3  # most of this time is that of the command that revokes
    assert alive(trial)
    assert agent.process.poll() is None
    installation.write("release", "")
    assert agent.process.wait(20) == 4
    # By then the agent has retried, and has reported the revocation once.
    assert len(agent.events("disconnected")) == 1
    assert agent.events("exiting")[0]["exit_code"] == 4
    good = installation.start_agent(name, state="agent")
    assert good.process.wait(30) == 0, good.log()
    (run,) = [each["run"] for each in installation.export(name, "run")]
    assert state_of(installation, str(run)) == "finished"
    rows = [point for point in installation.export(name, "point") if point["key"] == "row_seen"]
    assert [point["value"] for point in rows] == list(range(1, len(rows) + 1))


def test_an_agent_reads_a_new_token_from_its_file_without_interrupting_its_trial(
    installation: Installation,
) -> None:
    installation.join_server()
    name = installation.create(sweep("patient.py"))
    key, secret = make_token(installation, "agent")
    file = kept(installation, "agent-token", secret)
    agent = installation.start_agent(name, "--token-file", file)
    trial = run_pid(agent)
    installation.ctl("token", "revoke", key)
    until(lambda: agent.events("disconnected"), within=10)
    kept(installation, "agent-token", make_token(installation, "agent")[1])
    # Delays between attempts double, up to a minute but less than lost-after.
    until(lambda: len(agent.events("connected")) >= 2, within=70, what="it attaches with the new token")
    assert alive(trial)
    installation.write("release", "")
    assert agent.process.wait(30) == 0, agent.log()


def test_an_idle_agent_ends_when_its_token_is_revoked(installation: Installation) -> None:
    installation.join_server()
    name = installation.create(sweep("patient.py"))
    installation.ctl("pause", name)
    key, secret = make_token(installation, "agent")
    agent = installation.start_agent(name, "--token-file", kept(installation, "agent-token", secret))
    until(lambda: agent.events("connected"))
    installation.ctl("token", "revoke", key)
    assert agent.process.wait(15) == 4
    assert "revoked" in str(agent.events("exiting")[0]["message"])


@pytest.mark.parametrize("how", ["flag", "environment", "context"])
def test_a_trial_never_gets_the_token_of_its_agent(installation: Installation, how: str) -> None:
    server = installation.join_server()
    name = installation.create(sweep("patient.py"))
    _, secret = make_token(installation, "agent")
    file = kept(installation, "agent-token", secret)
    flags: tuple[str, ...] = ()
    if how == "flag":
        flags = ("--token-file", file)
    elif how == "environment":
        installation.environment["SWEEPD_TOKEN"] = secret
    else:
        installation.ctl("login", server.address, "--token-file", file)
    agent = installation.start_agent(name, *flags)
    trial = run_pid(agent)
    (connected,) = agent.events("connected")
    assert connected["way"] == "direct"
    for pid in (trial, parent_of(trial), agent.pid, *server.service_pids().values()):
        assert secret.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert secret.encode() not in environment(pid) or (pid == agent.pid and how == "environment")
    found = environment(trial)
    for known in (secret, server.access_token, server.service_token, "SWEEPD_TOKEN", "agent-token"):
        assert known.encode() not in found
    installation.write("release", "")
    assert agent.process.wait(30) == 0, agent.log()
    installation.environment.pop("SWEEPD_TOKEN", None)


def test_no_file_left_behind_contains_a_token(installation: Installation) -> None:
    server = installation.start_server("--log-level", "debug")
    mine = installation.create(sweep("steps.py", runs=2), "--project", "mine")
    other = installation.create(sweep("steps.py"), "--project", "other")
    tokens = {
        scope: make_token(installation, scope, "--project", "local/mine")
        for scope in ("agent", "read", "write")
    }
    key, ended = make_token(installation, "admin", "--request-id", "r-1")
    assert make_token(installation, "admin", "--request-id", "r-1") == (key, ended)
    installation.ctl("token", "revoke", key)
    file = kept(installation, "agent-token", tokens["agent"][1])
    agent = installation.start_agent(mine, "--token-file", file)
    assert agent.process.wait(60) == 0, agent.log()
    output = [agent.log()]
    for secret in (tokens["read"][1], ended, tokens["read"][1] + "x"):
        file = kept(installation, "some-token", secret)
        let_in = [("get", other), ("stop", mine), ("token", "list"), ("token", "revoke", secret)]
        for words in (
            *(let_in if secret == tokens["read"][1] else ()),
            ("whoami",),
            ("login", server.address),
            ("get", f"{mine}-1", "-o", "json", "--debug"),
        ):
            done = installation.ctl(*words, "--token-file", file, code=None)
            if words != ("token", "revoke", secret):
                assert secret not in str(done.args)
            output += [done.stdout, done.stderr]
        (installation.work / "some-token").unlink()
    assert installation.ctl("logout").returncode == 0
    output.append("".join(installation.commands()))
    secrets = [secret for _, secret in tokens.values()] + [ended, server.access_token, server.service_token]
    for secret in secrets:
        assert secret not in "".join(output)
    meant = {server.data / "access-token", server.data / "service-token", installation.work / "agent-token"}
    meant |= set((installation.folder / "state" / "sweepd" / "servers").iterdir())
    for path in (path for path in installation.folder.rglob("*") if path.is_file()):
        if path in meant:
            assert path.stat().st_mode & 0o077 == 0 or path.name == "current", path
            continue
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, path


def test_tokens_and_revocations_survive_a_kill(installation: Installation) -> None:
    server = installation.start_server()
    first = make_token(installation, "read", "--request-id", "r-1")
    kill_scheduler(server)
    installation.environment["SWEEPD_TOKEN"] = first[1]
    until(lambda: installation.ctl("whoami", code=None).returncode == 0, within=15)
    del installation.environment["SWEEPD_TOKEN"]
    assert make_token(installation, "read", "--request-id", "r-1") == first
    installation.ctl("token", "revoke", first[0])
    kill_scheduler(server)
    until(lambda: installation.ctl("whoami", code=None).returncode == 0, within=15)
    installation.environment["SWEEPD_TOKEN"] = first[1]
    refused = installation.ctl("whoami", code=4)
    assert "revoked" in refused.stderr


def kill_scheduler(server: Server) -> None:
    pid = server.service_pids()["scheduler"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: server.service_pids()["scheduler"] not in (0, pid), what="the scheduler is started again")
