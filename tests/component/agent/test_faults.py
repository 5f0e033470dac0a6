"""Broken streams, unavailable schedulers and stores, full disks."""

from __future__ import annotations

import os
import signal
import sys
import time

from component.agent.agent_processes import AgentProcess, Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from component.agent.test_restart import everything_arrived_once, running
from sweepd import v1
from waiting import until


def test_a_broken_stream_loses_nothing(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agent = machine.start("--count", "1")
    attempt = running(scheduler, machine)
    for count in (2, 3):
        scheduler.break_streams()
        scheduler.until(lambda count=count: len(scheduler.sessions) >= count)  # type: ignore[misc]
        seen = attempt.observation_row
        scheduler.until(lambda seen=seen: attempt.observation_row > seen)  # type: ignore[misc]
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert attempt.exits == 1
    assert everything_arrived_once(attempt)
    assert agent.events("disconnected")


def test_a_run_ends_while_the_scheduler_is_unavailable(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--count", "1")
    attempt = running(scheduler, machine)
    scheduler.stop()
    (machine.folder / "enough").touch()
    until(lambda: agent.events("run_ended"))
    scheduler.start()
    assert agent.ended() == 0
    assert everything_arrived_once(attempt)


def test_an_end_does_not_wait_for_points_which_are_sent_later(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    scheduler.acks_points = scheduler.acks_logs = False
    agent = machine.start("--count", "1", "--no-context")
    machine.write(
        "train.py",
        "import os\nwith open(os.environ['SWEEPD_METRICS_FILE'], 'a') as f:\n"
        "    [f.write('{\"loss\": %d}\\n' % n) for n in range(3000)]\n",
    )
    attempt = scheduler.attempt(scheduler.add(sys.executable, "train.py"))
    scheduler.ended(attempt.run)
    for times in (1, 2):  # two requests to end: it does not wait for acknowledgements
        agent.ask(signal.SIGINT)
        until(lambda times=times: len(ctrl_c(agent)) == times)  # type: ignore[misc]
    assert agent.ended() == 1
    assert "acknowledged" in str(agent.events("exiting")[0]["message"])
    assert not attempt.points
    assert list((machine.state / "runs").iterdir())
    scheduler.acks_points = scheduler.acks_logs = True
    scheduler.refuse = None
    second = machine.start("--count", "1")
    scheduler.until(lambda: attempt.point_row == 3000)
    assert everything_arrived_once(attempt)
    until(lambda: not list((machine.state / "runs").iterdir()))
    second.kill()


def ctrl_c(agent: AgentProcess) -> list[dict[str, object]]:
    """Return its output after the interruption."""
    return [event for event in agent.events("draining") if event["cause"] == "Ctrl-C"]


def test_only_a_verdict_of_the_scheduler_ends_a_process(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-context")
    attempt = running(scheduler, machine)
    with scheduler.changed:
        del scheduler.attempts[:]  # as a scheduler that has lost its disk
    scheduler.break_streams()
    scheduler.until(lambda: len(scheduler.sessions) == 2)
    assert scheduler.session().hello.attempts[0].run == attempt.run
    time.sleep(0.3)  # nothing is to happen
    os.kill(attempt.pid, 0)
    scheduler.attempts.append(attempt)
    scheduler.fates[attempt.run] = v1.ATTEMPT_FATE_STOP
    scheduler.break_streams()
    until(lambda: machine.processes() == [agent.process.pid])


def test_a_stream_that_the_scheduler_announces_to_end_is_replaced(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--count", "1")
    attempt = running(scheduler, machine)
    scheduler.session().send(go_away=v1.GoAway(reason="the stream is old"))
    scheduler.until(lambda: len(scheduler.sessions) == 2)
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert everything_arrived_once(attempt)


def test_a_stream_that_is_silent_for_a_lease_is_replaced(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    scheduler.lease, scheduler.deaf = 1.5, True
    agent = machine.start("--count", "1")
    scheduler.until(lambda: len(scheduler.sessions) >= 2)
    assert "did not answer" in str(agent.events("disconnected")[0]["message"])
    scheduler.deaf = False
    attempt = running(scheduler, machine)
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert everything_arrived_once(attempt)


def test_rows_that_a_scheduler_lacks_are_sent_again(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agent = machine.start("--count", "1")
    attempt = running(scheduler, machine)
    with scheduler.changed:  # as after a restored backup
        attempt.observation_row = attempt.point_row = 2
        attempt.observations = attempt.observations[:2]
        attempt.points = {key: value for key, value in attempt.points.items() if key[0] <= 2}
    scheduler.until(lambda: attempt.point_row > 2 and attempt.observation_row > 2)
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert everything_arrived_once(attempt)


def test_runs_end_with_their_lease_if_that_is_requested(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--on-disconnect", "stop")
    attempt = running(scheduler, machine)
    scheduler.lease = 1.0  # from the next stream on: this one may have paused for longer
    scheduler.break_streams()
    scheduler.until(lambda: len(scheduler.sessions) == 2 and scheduler.session().offered)
    scheduler.stop()
    until(lambda: agent.events("run_ended"), within=10)
    scheduler.start()
    scheduler.ended(attempt.run)
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_HANDED_BACK


def test_no_run_starts_without_free_disk_space(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agent = machine.start("--min-free", "1000TB")
    run = scheduler.add("true")
    until(lambda: agent.events("notice"))
    scheduler.until(lambda: scheduler.session().offered)
    assert scheduler.session().wanted == 0
    assert not scheduler.attempts
    assert run


FLOOD = """
import json, os, pathlib
from sweepd.metrics_file import MetricsFile
file = MetricsFile(pathlib.Path(os.environ["SWEEPD_METRICS_FILE"]), segment_bytes=100_000)
for step in range(20_000):
    values = {"loss": step} if step % 100 == 0 else {"acc": step}
    file.append(json.dumps({"_step": step} | values).encode() + b"\\n")
    if step % 1000 == 0:
        import time; time.sleep(0.1)  # lets the thinning task run
"""


def test_a_full_spool_loses_points_but_no_observation(scheduler: ScriptedScheduler, machine: Machine) -> None:
    scheduler.acks_points = False
    machine.write("flood.py", FLOOD)
    agent = machine.start("--count", "1", "--spool-limit", "300kB")
    attempt = scheduler.ended(scheduler.add(sys.executable, "flood.py"))
    assert agent.events("notice")
    scheduler.acks_points = True
    scheduler.break_streams()
    assert agent.ended() == 0
    assert [value for _, _, value in attempt.observations] == list(range(0, 20_000, 100))
    assert attempt.dropped > 5_000
    assert (20_000, "acc") in attempt.points
    assert {key: value for key, value in attempt.points.items() if key[1] == "loss"} == {
        (step + 1, "loss"): step for step in range(0, 20_000, 100)
    }
