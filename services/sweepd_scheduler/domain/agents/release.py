"""Agents that get runs of a sweep again: released by a person, or attached while it lacked agents."""

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.eligibility import notify_agent
from sweepd_scheduler.domain.hand_out import serve_session
from sweepd_scheduler.domain.requests.requests import ReleaseAgent, Released
from sweepd_scheduler.domain.search.by_index import end_if_exhausted
from sweepd_scheduler.domain.sweeps import guard
from sweepd_scheduler.domain.sweeps.guard import name_quarantined
from sweepd_scheduler.domain.sweeps.sweep import PauseCause, resumed


def release(draft: Draft, event: ReleaseAgent) -> Released:
    """Release an agent from quarantine, and hand it runs.

    Raises:
        NotFoundError: there is no such sweep, or no such agent is quarantined.
    """
    held = [key for key in _asked(draft, event) if _holds(draft, key, event.agent)]
    if not held:
        where = f"the guard of {event.sweep} holds" if event.sweep else "no guard holds"
        no = " no" if event.sweep else ""
        raise NotFoundError(event.agent, f"{where}{no} agent {event.agent!r:.100}")
    for key in held:
        draft.put_guard(key, event.agent, None)
        draft.record("agent-released", sweep=draft.state.sweeps[key], agent=event.agent)
        name_quarantined(draft, key)
        resume_with(draft, key, event.agent)
        notify_agent(draft, key, event.agent)
    session = draft.state.streams.get(event.agent)
    if session is not None:
        serve_session(draft, session)
    return Released(sweeps=tuple(sorted(str(draft.sweep(key).name) for key in held)))


def _asked(draft: Draft, event: ReleaseAgent) -> list[int]:
    if event.sweep is None:
        parents = ((key, sweep.name.parent) for key, sweep in draft.state.sweeps.items())
        return [key for key, parent in parents if event.within.covers(parent.entity, parent.project)]
    key = draft.state.names.get(event.sweep)
    if key is None:
        raise NotFoundError(str(event.sweep))
    return [key] if key in draft.state.sweeps else []


def _holds(draft: Draft, key: int, agent: str) -> bool:
    guarded = draft.state.index[key].guards.get(agent)
    return guarded is not None and guarded.is_quarantined


def resume_with(draft: Draft, key: int, agent: str) -> None:
    """Resume a sweep that is paused because every attached agent is quarantined, as this one is not.

    Nothing was fixed by that: the failures so far count on, unlike after a person's resume.
    """
    sweep = draft.state.sweeps.get(key)
    if sweep is None or sweep.pause_cause is not PauseCause.ALL_AGENTS_QUARANTINED:
        return
    if guard.all_quarantined(draft, key) or agent not in guard.attached_agents(draft, key):
        return
    sweep = resumed(sweep)
    draft.put_sweep(sweep)
    draft.record("sweep-resume", sweep=sweep, agent=agent)
    guard.name_quarantined(draft, key)
    end_if_exhausted(draft, key)  # runs that were enqueued during the pause, or a lowered cap
