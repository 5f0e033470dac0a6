"""An agent that starts programs, and a sweep that names none."""

from __future__ import annotations

from dataclasses import replace

from sweepd_agent.core import events as e
from sweepd_agent.core.serving import NO_PROGRAM
from sweepd_agent.core.state import Settings
from unit.agent.core.play import RUN, SWEEP, Play

FUNCTION_RUN = replace(RUN, program="")


def test_an_agent_without_a_call_proxy_leaves_a_sweep_without_a_program_and_hands_the_run_back() -> None:
    play = Play()
    play.connected()
    confirmed, left = play.happens(e.StartReceived(5, FUNCTION_RUN))
    assert confirmed == e.Confirm(5, NO_PROGRAM)
    assert left == e.Leave(2, "no program", f"sweep {SWEEP} {NO_PROGRAM}")


def test_an_agent_that_leaves_waits_for_its_live_runs() -> None:
    play = Play(Settings(slots=2))
    play.running()
    other = replace(FUNCTION_RUN, key=FUNCTION_RUN.key._replace(run=f"{SWEEP}-2"))
    assert play.happens(e.StartReceived(6, other)) == [e.Confirm(6, NO_PROGRAM), e.Offer(0)]
    assert play.state.leaving is not None
    assert play.state.leaving.code == 2


def test_a_command_that_needs_no_program_is_started() -> None:
    play = Play()
    play.connected()
    run = replace(FUNCTION_RUN, command=("make", "${args}"))
    assert e.Journal(run, 5) in play.happens(e.StartReceived(5, run))


def test_an_agent_with_a_call_proxy_starts_a_run_without_a_program() -> None:
    play = Play(Settings(runs_programs=False))
    play.connected()
    assert e.Journal(FUNCTION_RUN, 5) in play.happens(e.StartReceived(5, FUNCTION_RUN))
