"""Resumption of a sweep by an agent, where want of agents was all that paused it."""

from sweepd_scheduler.domain.searching.search import end_if_over
from sweepd_scheduler.domain.sweeps import guard
from sweepd_scheduler.domain.sweeps.sweep import PauseCause, resumed
from sweepd_scheduler.domain.turn import Turn


def resume_with(turn: Turn, key: int, agent: str) -> None:
    """Resume a sweep that is paused because every attached agent is quarantined, as this one is not.

    Nothing was fixed by that: the failures so far count on, unlike after a person's resume.
    """
    sweep = turn.state.sweeps.get(key)
    if sweep is None or sweep.pause_cause is not PauseCause.ALL_AGENTS_QUARANTINED:
        return
    if guard.all_quarantined(turn, key) or agent not in guard.attached_agents(turn, key):
        return
    sweep = resumed(sweep)
    turn.put_sweep(sweep)
    turn.note("sweep-resume", sweep=sweep, agent=agent)
    guard.name_held(turn, key)
    end_if_over(turn, key)  # runs that were enqueued during the pause, or a lowered cap
