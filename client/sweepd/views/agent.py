"""Agents as people see them."""

from __future__ import annotations

from datetime import datetime

from sweepd import v1
from sweepd.spec.point import Json
from sweepd.views.rows import Column, lookup
from sweepd.views.text import cell, shown_age, shown_ids
from sweepd.views.view import Field, View, inner, shaper

_quarantine_shape = shaper(v1.Quarantine, sweep="sweep", cause="cause", reason="reason")


def _state(agent: v1.Agent) -> str:
    return "draining" if agent.draining else "connected" if agent.connected else "away"


def _shown_quarantines(value: Json) -> str:
    return shown_ids([lookup(each, "sweep") for each in value]) if isinstance(value, list) else "-"


def _shown_reasons(value: Json) -> str:
    rows = value if isinstance(value, list) else []
    return "; ".join(cell(lookup(each, "reason")) for each in rows) or "-"


class AgentFields:
    """An agent."""

    agent = Field[str]("id", columns=Column("agent", at=1))
    host = Field[str]("host", columns=Column("host", at=3, long=True))
    pid = Field[int]("pid", columns=Column("pid", at=9, wide=True))
    version = Field[str]("version", columns=Column("version", at=10, wide=True))
    state = Field[str](_state, columns=Column("state", at=2))
    slots = Field[int]("slots", columns=Column("slots", at=4, spare=1))
    runs = Field[list[str]]("runs", columns=Column("runs", show=shown_ids, at=5, long=True))
    sweeps = Field[list[str]]("sweeps", columns=Column("sweeps", show=shown_ids, at=6, long=True))
    labels = Field[dict[str, str]]("labels", columns=Column("labels", at=11, wide=True))
    quarantines = Field(
        inner("quarantines", _quarantine_shape),
        columns=(
            Column("quarantined", show=_shown_quarantines, at=7, long=True),
            Column("why quarantined", show=_shown_reasons, at=12, wide=True, composed=True),
        ),
    )
    last_seen_time = Field[datetime | None](
        "last_seen_time", columns=Column("seen", show=shown_age, at=8, spare=2)
    )


_VIEW = View(AgentFields, v1.Agent)
agent_shape, AGENTS = _VIEW.shape, _VIEW.columns
