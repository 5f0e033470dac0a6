"""P7: only the agent of an attempt can report on it; it proves its claim with a secret of the folder."""

from __future__ import annotations

import os
import shutil
import signal

from component.scheduler.scripted_agent import ScriptedAgent, id_of, secret_of
from component.scheduler.test_ownership import all_reports
from processes import alive
from sweepd import v1
from sweepd_agent.files.state_folder import open_folder
from system.installation import Installation
from system.promises import (
    SHORT,
    assert_rows_of_sweep,
    attempts,
    given_up_by_an_agent,
    number,
    runs,
    stored,
    sweep,
)
from system.standalone_runs import assert_all_rows_stored, reaches, released, start
from system.test_standalone_runs import synced
from system.wire import Wire, failure, through_the_gateway
from waiting import until

REF = v1.AttemptRef(run_handle=2**31, attempt=1)


def claimed(run: str) -> v1.HeldAttempt:
    return v1.HeldAttempt(run_handle=REF.run_handle, run=run, attempt=1, alive=True, secret=secret_of("eve"))


async def send_false_reports(impostor: ScriptedAgent) -> None:
    """Send every report about an attempt; the responses are those for an unknown attempt."""
    (verdict,) = (await impostor.receive("welcome")).welcome.verdicts
    assert verdict == v1.AttemptVerdict(attempt=REF, fate=v1.ATTEMPT_FATE_UNKNOWN)
    for kind, report in all_reports(REF):
        await impostor.send(**{kind: report})
        await impostor.receive("unsupported")


def test_another_agent_with_the_same_token_cannot_end_or_falsify_a_live_run(
    installation: Installation,
) -> None:
    server = installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name)
    until(lambda: agent.events("metrics_acked"))
    (run,) = agent.events("run_started")

    async def scenario(wire: Wire) -> None:
        (listed,) = (await wire.agents.ListAgents(v1.ListAgentsRequest(sweep=name))).agents
        async with ScriptedAgent(
            wire.channel, name, named="eve", held=[claimed(str(run["run"]))]
        ) as impostor:
            await send_false_reports(impostor)
        victim = ScriptedAgent(wire.channel, name, held=[claimed(str(run["run"]))])
        victim.impersonate(listed.id, secret_of("eve"))
        async with victim:
            error = await victim.end()
        assert error is not None
        assert error.code().name == "INVALID_ARGUMENT"

    through_the_gateway(server, scenario)
    assert alive(number(run, "run_pid"))
    (installation.work / "release").touch()
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert not agent.events("fenced", "disconnected")
    (row,) = runs(installation, name)
    assert (row["state"], attempts(row)) == ("finished", [(1, "ended")])
    values = [value for (*_, key), value in stored(installation, name).items() if key == "loss"]
    assert values == [1 / row for row in range(1, len(values) + 1)]


def test_another_agent_cannot_claim_the_run_of_a_script(installation: Installation) -> None:
    server = installation.join_server(*SHORT)
    script = start(installation, 10, "waits")
    reaches(installation, script.run, "running")

    async def scenario(wire: Wire) -> None:
        parent, _, run_id = script.run.rpartition("/")
        request = v1.CreateRunRequest(
            parent=parent, run_id=run_id, agent_id=id_of("eve"), agent_secret=secret_of("eve")
        )
        for request.attempt in (1, 2):
            assert (await failure(wire.runs.CreateRun(request))).reason == "name-taken"
        async with ScriptedAgent(wire.channel, "", named="eve", held=[claimed(script.run)]) as impostor:
            await send_false_reports(impostor)

    through_the_gateway(server, scenario)
    assert released(installation, script) == 0
    assert reaches(installation, script.run, "finished")["attempt"] == 1
    through_the_gateway(server, scenario)
    assert reaches(installation, script.run, "finished")["attempt"] == 1
    assert_all_rows_stored(installation, script)


def test_rows_left_by_an_agent_can_be_synced_from_another_folder(installation: Installation) -> None:
    name, agent = given_up_by_an_agent(installation)
    other = open_folder(installation.folder / "other")
    other.release()
    assert other.agent_id != agent.events("connected")[0]["agent"]
    shutil.copytree(installation.folder / "agent" / "runs", other.path / "runs", dirs_exist_ok=True)
    (outcome,) = synced(installation, str(other.path))
    assert_rows_of_sweep(installation, name, outcome)


def test_an_agent_that_has_lost_its_id_keeps_its_trial(installation: Installation) -> None:
    installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name, state="agent")
    until(lambda: agent.events("metrics_acked"))
    (run,) = agent.events("run_started")
    os.kill(agent.pid, signal.SIGKILL)
    agent.process.wait(10)
    (installation.folder / "agent" / "agent.json").unlink()
    again = installation.start_agent(name, state="agent")
    until(lambda: again.events("metrics_acked"))
    assert alive(number(run, "run_pid"))
    (installation.work / "release").touch()
    assert again.process.wait(60) == 0, again.log()[-2000:]
    (row,) = runs(installation, name)
    assert (row["state"], attempts(row)) == ("finished", [(1, "ended")])
    assert not again.events("fenced")
