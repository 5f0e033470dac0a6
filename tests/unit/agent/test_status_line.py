"""Progress line at the bottom of a terminal."""

from __future__ import annotations

from dataclasses import replace

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import Outcome
from sweepd_agent.core.state import Settings
from sweepd_agent.log import progress
from unit.agent.core.play import KEY, Play


def test_it_shows_the_numbers_of_finished_active_and_failed_runs_and_the_time() -> None:
    """C15."""
    play = Play(Settings(slots=2, count=4))
    play.running()
    assert (
        progress(play.state, 61.0, 100)
        == f"[{'▒' * 5}{'░' * 15}] 0/4 runs done · 1 live · 0 failed · 0:01:01"
    )
    play.happens(e.ProcessEnded(KEY, Outcome(code=1)))
    assert (
        progress(play.state, 3723.5, 100)
        == f"[{'█' * 5}{'░' * 15}] 1/4 runs done · 0 live · 1 failed · 1:02:03"
    )
    assert progress(play.state, 0.0, 12) == "[█████░░░░░░"
    assert progress(play.state, 0.0, -1) == ""


def test_without_a_known_number_of_runs_the_bar_shows_the_slots() -> None:
    play = Play(Settings(slots=4))
    play.running()
    assert progress(play.state, 0.0, 100).startswith(f"[{'▒' * 5}{'░' * 15}] 0 runs done · 1 live")


def test_it_shows_that_the_agent_is_leaving_or_that_the_server_is_unavailable() -> None:
    play = Play()
    play.running()
    play.happens(e.StreamClosed())
    assert progress(play.state, 0.0, 100).endswith("0:00:00 · server unavailable")
    play.happens(e.EndRequested(e.EndRequest.INTERRUPT))
    assert progress(play.state, 0.0, 100).endswith("0:00:00 · ending")


def test_more_runs_than_requested_do_not_exceed_the_bar() -> None:
    play = Play(Settings(count=1))
    state = replace(play.state, ended=3)
    assert progress(state, 0.0, 100).startswith(f"[{'█' * 20}] 3/1")
