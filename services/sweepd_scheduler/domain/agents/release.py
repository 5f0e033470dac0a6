"""Agents that get runs of a sweep again: released by a person, or attached while it lacked agents."""

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out.eligibility import tell_agent
from sweepd_scheduler.domain.hand_out.hand_out import serve_session
from sweepd_scheduler.domain.requests.requests import ReleaseAgent, Released
from sweepd_scheduler.domain.search.by_index import end_if_over
from sweepd_scheduler.domain.sweeps import guard
from sweepd_scheduler.domain.sweeps.guard import name_held
from sweepd_scheduler.domain.sweeps.sweep import PauseCause, resumed


def release(turn: Draft, event: ReleaseAgent) -> Released:
    """Count the failures of an agent anew, and give it runs.

    Raises:
        NotFoundError: there is no such sweep, or no guard holds such an agent.
    """
    held = [key for key in _asked(turn, event) if _holds(turn, key, event.agent)]
    if not held:
        where = f"the guard of {event.sweep} holds" if event.sweep else "no guard holds"
        no = " no" if event.sweep else ""
        raise NotFoundError(event.agent, f"{where}{no} agent {event.agent!r:.100}")
    for key in held:
        turn.put_guard(key, event.agent, None)
        turn.note("agent-released", sweep=turn.state.sweeps[key], agent=event.agent)
        name_held(turn, key)
        resume_with(turn, key, event.agent)
        tell_agent(turn, key, event.agent)
    session = turn.state.streams.get(event.agent)
    if session is not None:
        serve_session(turn, session)
    return Released(sweeps=tuple(sorted(str(turn.sweep(key).name) for key in held)))


def _asked(turn: Draft, event: ReleaseAgent) -> list[int]:
    if event.sweep is None:
        parents = ((key, sweep.name.parent) for key, sweep in turn.state.sweeps.items())
        return [key for key, parent in parents if event.within.covers(parent.entity, parent.project)]
    key = turn.state.names.get(event.sweep)
    if key is None:
        raise NotFoundError(str(event.sweep))
    return [key] if key in turn.state.sweeps else []


def _holds(turn: Draft, key: int, agent: str) -> bool:
    guarded = turn.state.index[key].guards.get(agent)
    return guarded is not None and guarded.held


def resume_with(turn: Draft, key: int, agent: str) -> None:
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
