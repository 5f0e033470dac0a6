"""Standalone runs: scripts started by users, whichever process dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import datetime

import pytest

from sweepd import Client
from sweepd_agent.process.pidfd import reports_exit_codes
from system.installation import BIN, Installation
from system.promises import SHORT, assert_rows_of_sweep, given_up_by_an_agent
from system.standalone_runs import (
    Script,
    assert_all_rows_stored,
    points,
    reaches,
    released,
    shown,
    start,
    summary,
)
from waiting import until


def synced(installation: Installation, *arguments: str, code: int | None = 0) -> list[dict[str, object]]:
    """Sync the run folders of the working folder, and return the outcome of each."""
    done = installation.ctl("sync", *arguments, "-o", "json", code=code)
    outcomes: list[dict[str, object]] = json.loads(done.stdout)
    return outcomes


def until_unfollowed(script: Script, installation: Installation) -> None:
    """Wait until no agent follows the script any more."""
    until(lambda: not script.agents(installation), what=script.agent_log)


@pytest.mark.parametrize(
    ("ending", "state", "code"), [("well", "finished", 0), ("fails", "failed", 1), ("exits", "failed", 7)]
)
def test_with_a_known_server_a_script_is_a_run_of_its_project(
    installation: Installation, ending: str, state: str, code: int
) -> None:
    server = installation.join_server(*SHORT)
    project = f"ends-{ending}"
    script = start(installation, 30, ending, SWEEPD_PROJECT=project)
    assert script.process.wait(30) == code
    assert f"syncing to {server.address} as {script.run}" in script.errors_printed
    until(lambda: shown(installation, script.run), what=script.agent_log)  # its agent may still be starting
    installation.ctl("wait", script.run, "--timeout", "30s", code=8 if code else 0)
    run = reaches(installation, script.run, state)
    watched = installation.ctl("watch", script.run, code=8 if code else 0)
    assert watched.stdout.startswith(f"run {script.run} {state}")
    assert run["params"] == {"lr": 0.1, "opt": {"name": "adam"}, "where": "by hand"}
    assert (run["sweep"], run["attempt"]) == (None, 1)
    report = installation.json("get", script.run)
    (attempt,) = report["attempts"] if isinstance(report["attempts"], list) else []
    assert attempt["exit"]["code"] == code
    assert attempt["argv"] == [sys.executable, "train.py", "30", ending]
    assert_all_rows_stored(installation, script)
    until_unfollowed(script, installation)
    flags = ("--filter", "tags=try", "-o", "json")
    listed = json.loads(installation.ctl("runs", "--project", project, *flags).stdout)
    assert [(row["run"], row["displayName"], row["tags"]) for row in listed] == [
        (script.run, "baseline", ["first", "try"])
    ]
    with Client(server.address, token=server.access_token) as client:
        assert [(each.display_name, each.tags) for each in client.runs(f"local/{project}")] == [
            ("baseline", ["first", "try"])
        ]


EXITS = """
import os, sys
import sweepd

run = sweepd.init()
print(os.environ["SWEEPD_RUN_DIR"], flush=True)
sweepd.log({"loss": 0.5})
match sys.argv[2]:
    case "raises":
        raise SystemExit(7)
    case "leaves":
        os._exit(7)
    case "catches":
        try:
            sys.exit(7)
        except SystemExit:
            pass
    case "within":
        with run:
            raise SystemExit(0)
"""


def test_the_exit_code_of_a_script_is_known_however_it_exits(installation: Installation) -> None:
    itself = os.pidfd_open(os.getpid())
    is_reported = reports_exit_codes(itself)
    os.close(itself)
    if not is_reported:
        pytest.skip("the exit code of another process can be read from Linux 6.15 on")
    installation.join_server(*SHORT)
    ends = {"raises": 7, "leaves": 7, "catches": 0, "within": 0}
    scripts = {ending: start(installation, 1, ending, content=EXITS) for ending in ends}
    for ending, code in ends.items():
        script = scripts[ending]
        assert script.process.wait(30) == code
        run = reaches(installation, script.run, "failed" if code else "finished")
        assert [attempt["exit"]["code"] for attempt in run["attempts"]] == [code]  # type: ignore[union-attr,index,call-overload]


def test_without_a_server_a_run_stays_in_its_folder_until_it_is_synced(installation: Installation) -> None:
    """It can be synced repeatedly; an incomplete last line is ignored."""
    script = start(installation, 25)
    assert script.process.wait(30) == 0
    assert not script.agents(installation)
    installation.ctl("sync", code=6)
    with (script.folder / "metrics.jsonl").open("a") as file:
        file.write('{"loss": 0.')
    (script.folder / "files").mkdir(exist_ok=True)
    (script.folder / "files" / "model.pt").write_bytes(b"weights")
    installation.join_server(*SHORT)
    (outcome,) = synced(installation)
    assert (outcome["outcome"], outcome["run"], outcome["rows"]) == ("brought-in", script.run, 25)
    assert installation.ctl("files", script.run, "model.pt").stdout == "weights"
    run = shown(installation, script.run)
    noted = json.loads((script.folder / "run.json").read_text())
    assert run["state"] == "finished"
    assert datetime.fromisoformat(str(run["endTime"])).timestamp() == pytest.approx(noted["ended"], abs=0.01)
    assert datetime.fromisoformat(str(run["startTime"])).timestamp() == pytest.approx(
        noted["started"], abs=0.01
    )
    assert_all_rows_stored(installation, script)
    (again,) = synced(installation, str(script.folder))
    assert again["outcome"] == "there-already"
    (script.folder / "delivered").unlink()  # as if the sync had been killed before it recorded the outcome
    (anew,) = synced(installation, "sweepd-runs")
    assert anew["outcome"] == "brought-in"
    assert points(installation, script.run) == list(range(1, 26))
    installation.ctl("sync", str(installation.folder), code=3)


def test_the_agent_of_a_script_imports_no_modules_from_the_working_folder(installation: Installation) -> None:
    """Such a module would run with the rights of the agent, or prevent its start."""
    installation.write("queue.py", "raise ImportError('this is a queue of trains')")
    left = start(installation, 5, SWEEPD_MODE="offline")
    assert left.process.wait(30) == 0
    installation.join_server(*SHORT)
    (outcome,) = synced(installation)
    assert (outcome["outcome"], outcome["rows"]) == ("brought-in", 5)
    followed = start(installation, 5)
    assert followed.process.wait(30) == 0
    reaches(installation, followed.run, "finished")


def test_modes_offline_and_disabled_start_no_agent(installation: Installation) -> None:
    installation.join_server(*SHORT)
    script = start(installation, 3, "waits", SWEEPD_MODE="offline")
    assert not script.agents(installation)
    (outcome,) = synced(installation)
    assert outcome["outcome"] == "followed"
    reaches(installation, script.run, "running")
    assert released(installation, script) == 0
    reaches(installation, script.run, "finished")
    assert script.run.startswith("local/train/"), "its project has the name of its program"
    assert_all_rows_stored(installation, script)


def test_a_script_reports_that_the_server_refuses_its_run(installation: Installation) -> None:
    """It does so at its end; if it ends before the refusal is known, the next script does at its start."""
    server = installation.join_server(*SHORT)
    read = installation.ctl("token", "create", "--scope", "read", "--name", "reader").stdout.strip()

    def refused(script: Script) -> str:
        where = script.folder.relative_to(installation.work)
        return (
            f"sweepd: {server.address} has not received all data of the run in {where}: adding a run "
            "needs a token of scope write, and this one has scope read; ask an admin to create one: "
            "`sweepctl token create --scope write`; log in with `sweepctl login`, or set SWEEPD_TOKEN "
            f"or --token-file; `sweepctl sync {where}` tries again\n"
        )

    long = start(installation, 3, "waits", SWEEPD_TOKEN=read)
    until((long.folder / "agent" / "trouble").exists, what=long.agent_log)
    assert released(installation, long) == 0
    assert (installation.folder / "script.log").read_text().endswith(refused(long))
    until_unfollowed(long, installation)
    short = start(installation, 3, SWEEPD_TOKEN=read)
    assert short.process.wait(30) == 0
    assert refused(long) not in (installation.folder / "script.log").read_text()
    until_unfollowed(short, installation)
    good = start(installation, 3)
    assert good.process.wait(30) == 0
    output = (installation.folder / "script.log").read_text()
    assert output.startswith(refused(short))
    assert output.count("\n") == 2
    until_unfollowed(good, installation)
    outcomes = synced(installation, str(long.folder), str(short.folder))
    assert [outcome["outcome"] for outcome in outcomes] == ["brought-in", "brought-in"]


def test_a_standalone_run_waits_for_a_server_that_is_unavailable(installation: Installation) -> None:
    """P23, P25: the server is stopped and restarted, then two of its services are killed."""
    server = installation.start_server(*SHORT)
    script = start(installation, 5, "waits")
    reaches(installation, script.run, "running")
    assert server.stop() == 0
    before = script.rows()
    until(lambda: script.rows() > before + 20)
    server = installation.start_server(*SHORT, listen=server.address)
    assert reaches(installation, script.run, "running")["attempt"] == 1
    pids = server.service_pids()
    os.kill(pids["scheduler"], signal.SIGKILL)
    os.kill(pids["metric-store"], signal.SIGKILL)
    before = script.rows()
    until(lambda: script.rows() > before + 20)
    assert released(installation, script) == 0
    reaches(installation, script.run, "finished")
    assert_all_rows_stored(installation, script)
    until_unfollowed(script, installation)


def test_a_killed_script_has_crashed_and_all_its_rows_are_stored(installation: Installation) -> None:
    installation.join_server(*SHORT)
    script = start(installation, 40, "waits")
    reaches(installation, script.run, "running")
    script.process.kill()
    script.process.wait()
    run = reaches(installation, script.run, "crashed")
    assert "ended without recording an exit code" in str(run["reason"])
    assert_all_rows_stored(installation, script)
    (outcome,) = synced(installation)
    assert outcome["outcome"] in ("there-already", "brought-in")
    assert shown(installation, script.run)["state"] == "crashed"


def test_a_run_whose_agent_is_silent_crashes_and_continues_with_its_agent_or_with_sync(
    installation: Installation,
) -> None:
    """The scripts are not affected. One agent is killed, another is suspended like a closed laptop."""
    installation.join_server(*SHORT)
    killed, asleep = (start(installation, 10, "waits") for _ in range(2))
    for script in (killed, asleep):
        reaches(installation, script.run, "running")
    (running_agent,), (stopped_agent,) = (script.agents(installation) for script in (killed, asleep))
    os.kill(running_agent, signal.SIGKILL)
    os.kill(stopped_agent, signal.SIGSTOP)
    for script in (killed, asleep):
        assert "silent" in str(reaches(installation, script.run, "crashed")["reason"])
        assert script.process.poll() is None
    os.kill(stopped_agent, signal.SIGCONT)
    (outcome,) = synced(installation, str(killed.folder))
    assert outcome["outcome"] == "followed"
    for script in (killed, asleep):
        reaches(installation, script.run, "running")
    for script in (killed, asleep):
        assert released(installation, script) == 0
        assert reaches(installation, script.run, "finished")["attempt"] == 1
        assert_all_rows_stored(installation, script)


def test_a_script_is_stopped_by_a_command(installation: Installation) -> None:
    installation.join_server(*SHORT)
    script = start(installation, 5, "waits")
    reaches(installation, script.run, "running")
    installation.ctl("stop", script.run)
    assert script.process.wait(10) == -signal.SIGTERM
    assert reaches(installation, script.run, "stopped")["reason"] == "stopped by a person"
    assert_all_rows_stored(installation, script)


def test_a_restarted_script_continues_its_run(installation: Installation) -> None:
    """Its second attempt sends the complete file; rows that the first had sent are shown once."""
    installation.join_server(*SHORT)
    first = start(installation, 10, "fails")
    assert first.process.wait(30) == 1
    reaches(installation, first.run, "failed")
    second = start(installation, 5, SWEEPD_RESUME="auto")
    assert (second.run, second.folder) == (first.run, first.folder)
    assert second.process.wait(30) == 0
    run = reaches(installation, first.run, "finished")
    assert run["attempt"] == 2
    rows = second.rows()
    until(lambda: len(points(installation, first.run, all_attempts=False)) >= rows)
    assert points(installation, first.run, all_attempts=False) == list(range(1, rows + 1))


RESUMES = """
import os, sys
import sweepd

run = sweepd.init(id="goes-on", resume="allow")
sweepd.define_metric("loss", summary="min")
print(os.environ["SWEEPD_RUN_DIR"], flush=True)
for step in range(run.starting_step, int(sys.argv[1])):
    sweepd.log({"loss": step - 100 * (run.attempt == 1 and step > 4)})
    if step == 4:
        run.checkpoint_saved()
sys.exit(sys.argv[2] == "fails")
"""


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_a_script_that_resumes_from_its_checkpoint_replaces_later_rows(
    installation: Installation, mode: str
) -> None:
    """The first attempt is either followed while it runs or synced with the second."""
    installation.join_server(*SHORT)
    project = f"goes-on-{mode}"
    first = start(installation, 10, "fails", content=RESUMES, SWEEPD_PROJECT=project, SWEEPD_MODE=mode)
    assert first.process.wait(30) == 1
    if mode == "online":
        reaches(installation, first.run, "failed")
        until_unfollowed(first, installation)
    second = start(installation, 8, content=RESUMES, SWEEPD_PROJECT=project)
    assert (second.run, second.folder) == (first.run, first.folder)
    assert second.process.wait(30) == 0
    reaches(installation, second.run, "finished")
    until_unfollowed(second, installation)
    history = [
        json.loads(line)
        for line in installation.ctl("history", second.run, "-o", "jsonl").stdout.splitlines()
    ]
    assert [(row["step"], row["values"]) for row in history] == [(step, {"loss": step}) for step in range(8)]
    assert len(points(installation, second.run)) == (18 if mode == "online" else 8)
    assert summary(installation, second.run) == {"loss": {"min": 0}}


def test_concurrent_and_killed_syncs_store_each_row_once(installation: Installation) -> None:
    script = start(installation, 4_000)
    assert script.process.wait(60) == 0
    server = installation.join_server(*SHORT)
    command = [str(BIN / "sweepctl"), "sync", str(script.folder)]

    def begun() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=installation.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    metric_store = server.service_pids()["metric-store"]
    os.kill(metric_store, signal.SIGSTOP)  # the killed sync had not finished
    try:
        killed = begun()
        until((script.folder / "agent" / "claim").exists, what="it brings in")
        for pid in script.agents(installation):
            os.kill(pid, signal.SIGKILL)
        killed.kill()
        killed.wait()
    finally:
        os.kill(metric_store, signal.SIGCONT)
    both = [begun(), begun()]
    assert [each.wait(60) for each in both] == [0, 0]
    assert shown(installation, script.run)["state"] == "finished"
    assert_all_rows_stored(installation, script)


def test_rows_left_by_an_agent_of_a_sweep_are_stored_by_sync(installation: Installation) -> None:
    """P3: the metric store was unavailable and the agent gave up; its folder still has the rows."""
    name, _ = given_up_by_an_agent(installation)
    (outcome,) = synced(installation, str(installation.folder / "agent"))
    assert_rows_of_sweep(installation, name, outcome)


def test_the_runs_of_six_concurrent_scripts_are_all_stored(installation: Installation) -> None:
    at_once(installation, 6)


@pytest.mark.slow
def test_the_runs_of_fifty_concurrent_scripts_are_all_stored(installation: Installation) -> None:
    at_once(installation, 50)


def at_once(installation: Installation, count: int) -> None:
    """Start `count` scripts without waiting in between, and check that all runs are stored."""
    installation.join_server(*SHORT)
    scripts = [start(installation, 20, SWEEPD_PROJECT=f"crowd-{count}") for _ in range(count)]
    assert [script.process.wait(60) for script in scripts] == [0] * count
    for script in scripts:
        reaches(installation, script.run, "finished", within=120)
        assert_all_rows_stored(installation, script)
    listed = installation.ctl("runs", "--project", f"crowd-{count}", "--state", "finished", "-o", "name")
    assert set(listed.stdout.split()) == {script.run for script in scripts}
