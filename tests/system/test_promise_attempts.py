"""P7 to P10, P12: a run has one live attempt, whichever process freezes, dies or is disconnected."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from processes import alive
from system.installation import Agent, Installation, Server
from system.link import Link
from system.promises import (
    SHORT,
    acknowledged,
    assert_patient_rows,
    attempts,
    number,
    runs,
    stored,
    sweep,
)
from waiting import content_of, least, until

LEASE, LOST_AFTER = 2.0, 4.0
PATIENT = ("--lease", "20s", "--lost-after", "60s")
"""Timeouts for tests in which no agent is to be declared lost, however slow the machine is."""


def started(agent: Agent, count: int = 1) -> list[dict[str, object]]:
    """Return the runs that an agent has started, once there are `count`."""
    until(lambda: len(agent.events("run_started")) >= count, what="runs start")
    return agent.events("run_started")


def away(installation: Installation, server: Server, link: Link, name: str, *flags: str) -> Agent:
    """Start an agent behind a link."""
    token = ("--token-file", str(server.data / "access-token"))
    return installation.start_agent(name, "--server", link.address, *token, *flags)


def last_contact(installation: Installation, name: str, agent: Agent) -> float:
    """Return a monotonic time at which the server was in contact: that of the last acknowledged row."""
    points = stored(installation, name)
    clocks = [points[*key, row, "clock"] for key, row in acknowledged([agent]).items()]
    return max(clock for clock in clocks if isinstance(clock, float))


def supervisor_of(record: Path) -> int:
    """Return the process id of the supervisor in the record of a process."""
    return next(
        int(line.split()[1]) for line in record.read_text().splitlines() if line.startswith("supervisor ")
    )


def test_a_frozen_agent_loses_only_the_run_that_was_handed_to_another(installation: Installation) -> None:
    """P7, P8, P10: it receives `Fenced`, its child is dead within 2 s, its other slot continues."""
    installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py", runs=2))
    frozen = installation.start_agent(name, "--slots", "2", state="frozen")
    started(frozen, 2)
    until(lambda: len(acknowledged([frozen])) == 2)
    frozen_at = time.monotonic()
    os.kill(frozen.pid, signal.SIGSTOP)
    other = installation.start_agent(name, "--count", "1", state="other")
    (taken,) = started(other)
    assert number(taken, "mono") - last_contact(installation, name, frozen) > LOST_AFTER
    assert number(taken, "mono") - frozen_at < LOST_AFTER + 5
    assert taken["attempt"] == 2

    os.kill(frozen.pid, signal.SIGCONT)
    until(lambda: frozen.events("fenced"))
    (fenced,) = frozen.events("fenced")
    assert (fenced["run"], fenced["attempt"]) == (taken["run"], 1)
    child = next(number(e, "run_pid") for e in frozen.events("run_started") if e["run"] == taken["run"])
    until(lambda: not alive(child), within=2.0 - (time.monotonic() - number(fenced, "mono")))
    kept = next(number(e, "run_pid") for e in frozen.events("run_started") if e["run"] != taken["run"])
    assert alive(kept)

    (installation.work / "release").touch()
    for agent in (frozen, other):
        assert agent.process.wait(30) == 0, agent.log()[-2000:]
        assert "Traceback" not in agent.log()
    by_name = {run["run"]: run for run in runs(installation, name)}
    assert attempts(by_name.pop(taken["run"])) == [(1, "lost"), (2, "ended")]
    (rest,) = by_name.values()
    assert attempts(rest) == [(1, "ended")]
    points = stored(installation, name)
    for (run, attempt), row in acknowledged([frozen, other]).items():
        assert_patient_rows(points, str(run), int(str(attempt)), row)


def test_a_late_agent_keeps_a_run_that_was_not_handed_to_another(installation: Installation) -> None:
    """P7: the attempt was considered lost and continues with the same number."""
    installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name)
    started(agent)
    os.kill(agent.pid, signal.SIGSTOP)
    until(lambda: [state for _, state in attempts(*runs(installation, name))] == ["lost"])
    os.kill(agent.pid, signal.SIGCONT)
    until(lambda: [state for _, state in attempts(*runs(installation, name))] == ["running"])
    (installation.work / "release").touch()
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    (run,) = runs(installation, name)
    assert (run["state"], attempts(run)) == ("finished", [(1, "ended")])


@pytest.mark.parametrize("way", [pytest.param("cut", marks=pytest.mark.slow), "swallow"])
def test_a_disconnected_agent_lets_its_trial_continue(installation: Installation, way: str) -> None:
    """P8: `continue` is the default; heartbeats detect a link that drops all bytes."""
    server = installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    with Link(server.address) as link:
        agent = away(installation, server, link, name)
        (run,) = started(agent)
        until(lambda: acknowledged([agent]))
        getattr(link, way)()
        cut_at = time.monotonic()
        until(lambda: agent.events("disconnected"))
        assert number(agent.events("disconnected")[0], "mono") - cut_at < LEASE + 3
        until(lambda: [state for _, state in attempts(*runs(installation, name))] == ["lost"])
        assert alive(number(run, "run_pid"))
        link.restore()
        until(lambda: len(agent.events("connected")) >= 2, within=40)
        (installation.work / "release").touch()
        assert agent.process.wait(30) == 0, agent.log()[-2000:]
    (row,) = runs(installation, name)
    assert (row["state"], attempts(row)) == ("finished", [(1, "ended")])


@pytest.mark.parametrize("way", ["cut", "swallow"])
def test_a_disconnected_agent_stops_its_trial_with_its_lease_if_configured(
    installation: Installation, way: str
) -> None:
    """P8: `stop` ends the trial with its lease; the run is handed back when the agent reconnects."""
    server = installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    with Link(server.address) as link:
        agent = away(installation, server, link, name, "--on-disconnect", "stop")
        (run,) = started(agent)
        until(lambda: acknowledged([agent]))
        getattr(link, way)()
        cut_at = time.monotonic()
        terminated = installation.work / "terminated"
        terminated_at = float(content_of(terminated))
        assert terminated_at - last_contact(installation, name, agent) > LEASE
        assert terminated_at - cut_at < LEASE + 2
        until(lambda: not alive(number(run, "run_pid")))
        terminated.unlink()
        (installation.work / "release").touch()
        link.restore()
        assert agent.process.wait(60) == 0, agent.log()[-2000:]
    (row,) = runs(installation, name)
    assert row["state"] == "finished"
    assert row["attempt"] == 2


@pytest.mark.parametrize(("flag", "within"), [(None, LOST_AFTER + 2), ("--no-adopt", 2.0)])
def test_nothing_of_a_run_outlives_its_killed_agent_for_long(
    installation: Installation, flag: str | None, within: float
) -> None:
    """P9: this includes descendants in their own sessions that ignore SIGTERM."""
    installation.join_server(*SHORT)

    def outlived() -> float:
        name = installation.create(sweep("stubborn.py"))
        state = Path(name).name  # its own: a second measurement's agent must not report the first one's run
        agent = installation.start_agent(name, *([flag] if flag else []), state=state)
        until(lambda: agent.events("metrics_acked"))
        assert len(installation.processes()) >= 5  # agent, supervisor, its watchdog, trial, grandchild
        agent.process.kill()
        killed_at = time.monotonic()
        agent.process.wait()
        until(lambda: not installation.processes())
        return time.monotonic() - killed_at

    assert least(outlived, wanted=within) < within


@pytest.mark.parametrize(("flag", "within"), [(None, LOST_AFTER + 2), ("--no-adopt", 2.0)])
def test_nothing_of_a_run_outlives_its_agent_and_supervisor_killed_together(
    installation: Installation, flag: str | None, within: float
) -> None:
    """P9: a run has one live attempt, also when no process is left to end the first."""
    installation.join_server(*SHORT)
    name = installation.create(sweep("stubborn.py"))
    agent = installation.start_agent(name, *([flag] if flag else []), state="killed")
    until(lambda: agent.events("metrics_acked"))
    (record,) = (installation.folder / "killed" / "runs").glob("*/process")
    for pid in (agent.pid, supervisor_of(record)):
        os.kill(pid, signal.SIGKILL)
    agent.process.wait()
    until(lambda: not installation.processes(), within=within)
    other = installation.start_agent(name, state="other")
    (again,) = started(other)
    assert again["attempt"] == 2
    installation.ctl("cancel", name, "--yes")
    until(lambda: not installation.processes())


def test_a_restarted_agent_adopts_its_run(installation: Installation) -> None:
    """P9: the process and the attempt are the same, and every row is stored once."""
    installation.join_server(*PATIENT)
    name = installation.create(sweep("patient.py"))
    first = installation.start_agent(name, state="agent")
    (run,) = started(first)
    until(lambda: acknowledged([first]))
    first.process.kill()
    first.process.wait()
    second = installation.start_agent(name, state="agent")
    until(lambda: second.events("run_adopted"))
    (adopted,) = second.events("run_adopted")
    assert (adopted["run"], adopted["attempt"], adopted["run_pid"]) == (run["run"], 1, run["run_pid"])
    until(lambda: acknowledged([second]))
    (installation.work / "release").touch()
    assert second.process.wait(30) == 0, second.log()[-2000:]
    (row,) = runs(installation, name)
    assert (row["state"], attempts(row)) == ("finished", [(1, "ended")])
    points = stored(installation, name)
    assert_patient_rows(points, str(run["run"]), 1, max(int(str(key[2])) for key in points))


@pytest.mark.parametrize("left", [None, "", "{}"], ids=["missing", "empty", "without a secret"])
def test_an_agent_that_has_lost_its_identity_keeps_its_run(
    installation: Installation, left: str | None
) -> None:
    """P7, P9: as after a power failure; the folder of the attempt proves that the run is its own."""
    installation.join_server(*PATIENT)
    name = installation.create(sweep("patient.py"))
    first = installation.start_agent(name, state="agent")
    (run,) = started(first)
    until(lambda: acknowledged([first]))
    first.process.kill()
    first.process.wait()
    identity = installation.folder / "agent" / "agent.json"
    identity.unlink()
    if left is not None:
        identity.write_text(left)
    second = installation.start_agent(name, state="agent")
    until(lambda: acknowledged([second]))
    assert alive(number(run, "run_pid"))
    assert not second.events("fenced")
    (installation.work / "release").touch()
    assert second.process.wait(30) == 0, second.log()[-2000:]
    assert len(second.events("result_acked")) == 1
    (row,) = runs(installation, name)
    assert (row["state"], attempts(row)) == ("finished", [(1, "ended")])


def test_a_run_whose_supervisor_is_killed_leaves_no_process_and_is_handed_out_again(
    installation: Installation,
) -> None:
    """P9: the agent ends the remaining processes, and no retry is charged."""
    installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name, state="agent")
    (run,) = started(agent)
    (record,) = (installation.folder / "agent" / "runs").glob("*/process")
    os.kill(supervisor_of(record), signal.SIGKILL)
    until(lambda: not alive(number(run, "run_pid")), within=LOST_AFTER + 2)
    started(agent, 2)
    # The processes that record the context of a run exist only briefly.
    until(lambda: len(installation.processes()) == 4, what="agent, supervisor, its watchdog, trial")
    (installation.work / "release").touch()
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    (row,) = runs(installation, name)
    assert (row["state"], row["attempt"]) == ("finished", 2)


def test_an_agent_refuses_a_state_folder_in_use_by_another(installation: Installation) -> None:
    """P9: two agents on one folder would each treat the other's runs as orphaned."""
    installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    first = installation.start_agent(name, state="agent")
    started(first)
    second = installation.start_agent(name, state="agent")
    assert second.process.wait(10) == 1
    (line,) = second.log().splitlines()
    assert line.startswith(f"error: the state folder {installation.folder / 'agent'} is in use")


def test_of_two_agents_with_one_identity_the_newer_wins_and_the_older_leaves_the_trial_alone(
    installation: Installation,
) -> None:
    """P7: a state folder was copied; the older agent is notified and leaves its trial alone."""
    installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py", runs=2))
    first = installation.start_agent(name, state="one")
    (run,) = started(first)
    (installation.folder / "two").mkdir()
    shutil.copy(installation.folder / "one" / "agent.json", installation.folder / "two")
    second = installation.start_agent(name, state="two")
    assert first.process.wait(20) == 1
    assert first.events("exiting")[-1]["cause"] == "replaced"
    started(second)
    assert alive(number(run, "run_pid"))  # its parent is its supervisor
    (installation.work / "release").touch()
    until(lambda: {row["state"] for row in runs(installation, name)} == {"finished"}, within=60)
    assert second.process.wait(30) == 0, second.log()[-2000:]


def test_an_unconfirmed_hand_out_goes_to_another_agent_without_charge(
    installation: Installation,
) -> None:
    """P12: an agent that froze with a free slot is sent a run, and does not confirm it."""
    installation.join_server(*PATIENT)
    name = installation.create(sweep("steps.py"))
    installation.ctl("pause", name)
    frozen = installation.start_agent(name)
    until(lambda: frozen.events("connected"))
    until(lambda: len(installation.ctl("agents", name, "-o", "jsonl").stdout.splitlines()) == 1)
    os.kill(frozen.pid, signal.SIGSTOP)
    resumed_at = time.monotonic()
    installation.ctl("resume", name)
    other = installation.start_agent(name)
    (run,) = started(other)
    assert number(run, "mono") - resumed_at < 10
    assert run["attempt"] == 2
    assert other.process.wait(30) == 0
    (row,) = runs(installation, name)
    assert (row["state"], attempts(row)) == ("finished", [(1, "returned"), (2, "ended")])
    os.kill(frozen.pid, signal.SIGCONT)
    assert frozen.process.wait(30) == 0, frozen.log()[-2000:]
    (after,) = runs(installation, name)
    assert after == row


def test_a_scheduler_killed_between_a_hand_out_and_its_confirmation_loses_no_run(
    installation: Installation,
) -> None:
    """P12: whether or not the agent has received the command, the run ends once."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=2))
    installation.ctl("pause", name)
    agent = installation.start_agent(name)
    until(lambda: agent.events("connected"))
    until(lambda: len(installation.ctl("agents", "-o", "jsonl").stdout.splitlines()) == 1)
    os.kill(agent.pid, signal.SIGSTOP)
    installation.ctl("resume", name)
    (assigned,) = runs(installation, name)
    assert assigned["state"] == "assigned"
    os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
    os.kill(agent.pid, signal.SIGCONT)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    for run in runs(installation, name):
        assert run["state"] == "finished"
        assert [state for _, state in attempts(run)] in (["ended"], ["returned", "ended"])
