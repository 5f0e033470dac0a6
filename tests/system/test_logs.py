"""`logs -f` prints the log to the end of the run, across attempts and restarts, byte for byte."""

from __future__ import annotations

import subprocess

from system.installation import BIN, Installation
from system.promises import attempts, runs, sweep
from waiting import until


def test_a_log_is_followed_to_the_end_of_the_run_across_attempts_and_a_restart(
    installation: Installation,
) -> None:
    server = installation.start_server()
    name = installation.create(sweep("talker.py") + "retry: {failure: 1}\n")
    agent = installation.start_agent(name)
    until(lambda: agent.events("run_started"))
    printed, notes = installation.folder / "printed", installation.folder / "notes"
    with printed.open("wb") as out, notes.open("wb") as err:
        follower = subprocess.Popen(
            [str(BIN / "sweepctl"), "logs", f"{name}:1", "-f"],
            env=installation.environment,
            stdout=out,
            stderr=err,
        )
    until(lambda: b"attempt 1 line 20\n" in printed.read_bytes(), what="it follows")
    assert server.stop() == 0
    until(lambda: b"unavailable" in notes.read_bytes(), what="it says that the server is unavailable")
    installation.start_server(listen=server.address)
    before = printed.stat().st_size
    until(lambda: printed.stat().st_size > before, within=60, what="it goes on")
    (installation.work / "release-1").touch()
    until(lambda: b"attempt 2 line 5\n" in printed.read_bytes(), within=60, what="the next attempt")
    (installation.work / "release-2").touch()
    assert follower.wait(60) == 0
    assert agent.process.wait(30) == 0
    (run,) = runs(installation, name)
    assert [number for number, _ in attempts(run)] == [1, 2]
    whole = [installation.ctl("logs", f"{name}:1", "--attempt", str(n)).stdout for n in (1, 2)]
    assert whole[0].endswith("attempt 1 ends\n")
    assert whole[1].endswith("attempt 2 ends\n")
    assert printed.read_text() == "".join(whole)
    assert "Attempt 2:" in notes.read_text()


def test_following_a_complete_log_ends_immediately(installation: Installation) -> None:
    installation.start_server()
    name = installation.create(sweep("steps.py"))
    assert installation.start_agent(name).process.wait(60) == 0
    assert installation.ctl("logs", f"{name}:1", "-f", timeout=20).stdout == "attempt 1 done\n"
    shown = str(installation.json("get", f"{name}:1")["attempts"])
    assert f"'logBytes': {len('attempt 1 done?')}," in shown, "so that clients need not wait for more"
