"""Options for `sweepd.agent`: a call proxy in place of the command, and output labelled by run."""

from __future__ import annotations

import json
import sys

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler


def test_a_call_proxy_is_started_in_place_of_the_command(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    run = scheduler.add("${program}", "--never")
    call_proxy = [sys.executable, "-c", "import os; print(os.environ['SWEEPD_RUN_ID'])", "a b"]
    agent = machine.start("--count", "1", "--call-proxy", json.dumps(call_proxy))
    assert agent.ended() == 0
    attempt = scheduler.attempt(run)
    assert attempt.argv == call_proxy
    assert attempt.log.decode() == f"{run}\n"


def test_output_as_json_names_the_run_and_splits_no_character(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    runs = [scheduler.add("sh", "-c", f"printf '\\303'; sleep 0.3; printf '\\244{n}\\n'") for n in range(2)]
    agent = machine.start("--count", "2", "--slots", "2", "--show-output=json")
    assert agent.ended() == 0
    pieces = [json.loads(line) for line in agent.log.with_suffix(".out").read_text().splitlines()]
    texts = {run: "".join(piece["text"] for piece in pieces if piece["run"] == run) for run in runs}
    assert texts == {runs[0]: "ä0\n", runs[1]: "ä1\n"}
    assert {piece["attempt"] for piece in pieces} == {1}


def test_a_call_proxy_that_is_not_a_list_of_arguments_is_refused(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--call-proxy", '"python"')
    assert agent.ended() == 2
    assert "not a JSON list of arguments" in agent.log.read_text()
