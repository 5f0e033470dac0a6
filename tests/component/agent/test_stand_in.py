"""Options for `sweepd.agent`: a call proxy in place of the command, and output labelled by run."""

from __future__ import annotations

import json
import sys

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler


def test_a_stand_in_is_started_in_place_of_the_command(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    run = scheduler.add("${program}", "--never")
    stand_in = [sys.executable, "-c", "import os; print(os.environ['SWEEPD_RUN_ID'])", "a b"]
    agent = machine.start("--count", "1", "--stand-in", json.dumps(stand_in))
    assert agent.ended() == 0
    attempt = scheduler.attempt(run)
    assert attempt.argv == stand_in
    assert attempt.log.decode() == f"{run}\n"


def test_output_as_json_tells_runs_apart_and_cuts_no_letter(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    runs = [scheduler.add("sh", "-c", f"printf '\\303'; sleep 0.3; printf '\\244{n}\\n'") for n in range(2)]
    agent = machine.start("--count", "2", "--slots", "2", "--show-output=json")
    assert agent.ended() == 0
    pieces = [json.loads(line) for line in agent.log.with_suffix(".out").read_text().splitlines()]
    texts = {run: "".join(piece["text"] for piece in pieces if piece["run"] == run) for run in runs}
    assert texts == {runs[0]: "ä0\n", runs[1]: "ä1\n"}
    assert {piece["attempt"] for piece in pieces} == {1}


def test_what_is_no_list_of_arguments_is_refused(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agent = machine.start("--stand-in", '"python"')
    assert agent.ended() == 2
    assert "not a JSON list of arguments" in agent.log.read_text()
