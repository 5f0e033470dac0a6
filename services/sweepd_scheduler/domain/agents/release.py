"""An agent that the guard of a sweep holds back, and that a person lets take runs again."""

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.answers import Released
from sweepd_scheduler.domain.handing_out.eligibility import tell_agent
from sweepd_scheduler.domain.handing_out.hand_out import serve_session
from sweepd_scheduler.domain.requests import ReleaseAgent
from sweepd_scheduler.domain.sweeps.guard import name_held
from sweepd_scheduler.domain.sweeps.resumption import resume_with
from sweepd_scheduler.domain.turn import Turn


def release(turn: Turn, event: ReleaseAgent) -> Released:
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


def _asked(turn: Turn, event: ReleaseAgent) -> list[int]:
    if event.sweep is None:
        parents = ((key, sweep.name.parent) for key, sweep in turn.state.sweeps.items())
        return [key for key, parent in parents if event.within.covers(parent.entity, parent.project)]
    key = turn.state.names.get(event.sweep)
    if key is None:
        raise NotFoundError(str(event.sweep))
    return [key] if key in turn.state.sweeps else []


def _holds(turn: Turn, key: int, agent: str) -> bool:
    guarded = turn.state.index[key].guards.get(agent)
    return guarded is not None and guarded.held
