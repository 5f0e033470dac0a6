"""Agents as clients see them: those whose stream is open, and those that hold a run."""

from dataclasses import dataclass, field

from sweepd import v1
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_scheduler.api.run_codec import timestamp
from sweepd_scheduler.domain.agents.agent import Guarded, QuarantineCause, Session
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.state import State

_CAUSES = {cause: v1.QuarantineCause.Value(f"QUARANTINE_CAUSE_{cause.name}") for cause in QuarantineCause}


@dataclass(slots=True, kw_only=True)
class ListedAgent:
    """Agent as clients see it; without a session it is disconnected."""

    id: str
    host: str
    session: Session | None = None
    runs: list[Run] = field(default_factory=list)
    sweeps: list[str] = field(default_factory=list)
    quarantines: dict[str, Guarded] = field(default_factory=dict)


def agents_of(state: State, sweep: int | None, bounds: Bounds = EVERYWHERE) -> list[ListedAgent]:
    """Return agents in the order of their ids; only those that serve a sweep, if one is given.

    Nothing outside `bounds` is shown: no sweep, no run, and no agent that has neither inside.
    """
    found: dict[str, ListedAgent] = {}
    full_names = {
        key: str(name)
        for name, key in state.names.items()
        if bounds.covers(name.parent.entity, name.parent.project)
    }
    for session in state.sessions.values():
        if sweep is None or sweep in session.sweeps:
            served = [full_names[key] for key in session.sweeps if key in full_names]
            if served or bounds.everywhere:
                found[session.agent] = ListedAgent(
                    id=session.agent, host=session.host, session=session, sweeps=served
                )
    for run in state.live_runs():
        if run.sweep in full_names and (sweep is None or run.sweep == sweep):
            agent = run.newest.agent
            listed = found.setdefault(
                agent, ListedAgent(id=agent, host=run.newest.host, sweeps=[full_names[run.sweep]])
            )
            listed.runs.append(run)
    for key, index in state.index.items():
        for agent, guarded in index.guards.items():
            if guarded.is_quarantined and agent in found and key in full_names and sweep in (None, key):
                found[agent].quarantines[full_names[key]] = guarded
    return [found[agent] for agent in sorted(found)]


def agent_message(agent: ListedAgent, seen: int) -> v1.Agent:
    """Return an agent as a message; `seen`: microseconds since 1970, 0 for unknown."""
    session = agent.session
    return v1.Agent(
        id=agent.id,
        host=agent.host,
        pid=session.pid if session else 0,
        version=session.version if session else "",
        connected=session is not None,
        slots=session.slots if session else 0,
        runs=[run.name for run in agent.runs],
        sweeps=agent.sweeps,
        labels=session.labels if session else {},
        last_seen_time=timestamp(seen),
        quarantines=[
            v1.Quarantine(sweep=name, cause=_CAUSES[guarded.quarantine], reason=guarded.reason)
            for name, guarded in sorted(agent.quarantines.items())
            if guarded.quarantine is not None
        ],
    )
