"""Secrets that prove an agent's ownership of attempts, and their confidentiality."""

from __future__ import annotations

import json
import sys

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd.agent_identity import agent_id
from waiting import content_of, until

# Prints its environment and arguments, and waits.
LOOKS = """
import os, pathlib, sys, time
seen = [*sys.argv, *(f"{name}={value}" for name, value in os.environ.items())]
print("\\n".join(seen), flush=True)
pathlib.Path("seen").write_text("\\n".join(seen))
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
"""


def test_secrets_are_stored_readable_only_by_the_agent_and_appear_nowhere_else(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("looks.py", LOOKS)
    agent = machine.start("--count", "1", "--show-output", "json")
    attempt = scheduler.attempt(scheduler.add(sys.executable, "looks.py", params={"lr": 0.1}))
    seen = content_of(machine.folder / "seen")
    files = {path.name: path for path in machine.state.rglob("*.json")}
    assert json.loads(files["assignment.json"].read_text())["secret"] == attempt.secret.hex()
    hello = scheduler.session().hello
    assert json.loads(files["agent.json"].read_text()) == {
        "id": hello.agent_id,
        "secret": hello.agent_secret.hex(),
    }
    assert hello.agent_id == agent_id(hello.agent_secret)
    assert [files[name].stat().st_mode & 0o777 for name in ("assignment.json", "agent.json")] == [0o600] * 2
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    output = [seen, agent.log.read_text(), attempt.log.decode(), *attempt.argv]
    output += [str(details) for _, details in attempt.details]
    output += [content.decode(errors="replace") for content in attempt.files.values()]
    for secret in (attempt.secret, hello.agent_secret):
        assert not any(secret.hex() in each for each in output)


def test_a_restarted_agent_proves_its_ownership_of_its_attempts(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("looks.py", LOOKS)
    agent = machine.start()
    attempt = scheduler.attempt(scheduler.add(sys.executable, "looks.py"))
    until((machine.folder / "seen").exists)
    agent.kill()
    again = machine.start("--count", "1")
    scheduler.until(lambda: len(scheduler.sessions) == 2)
    first, second = (session.hello for session in scheduler.sessions)
    assert [held.secret for held in second.attempts] == [attempt.secret]
    assert (second.agent_id, second.agent_secret) == (first.agent_id, first.agent_secret)
    (machine.folder / "enough").touch()
    assert again.ended() == 0
    assert attempt.exit is not None


def test_an_agent_whose_id_is_lost_keeps_the_run_whose_secret_it_has(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("looks.py", LOOKS)
    agent = machine.start()
    attempt = scheduler.attempt(scheduler.add(sys.executable, "looks.py"))
    until((machine.folder / "seen").exists)
    agent.kill()
    (machine.state / "agent.json").write_text("")
    again = machine.start("--count", "1")
    (machine.folder / "enough").touch()
    assert again.ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 0
    assert len({session.hello.agent_id for session in scheduler.sessions}) == 2
    assert not again.events("fenced")
