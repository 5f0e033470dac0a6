"""Views of agents, tokens, projects, and files of runs."""

from __future__ import annotations

from datetime import datetime

from sweepd import v1
from sweepd.spec.point import Json
from sweepd.views.rows import Column, Row, rows_of
from sweepd.views.text import cell, shown_age, shown_ids, shown_time, shown_words, size_text
from sweepd.views.values import wall_time
from sweepd.views.view import Field, View, inner, shaper

_quarantine_shape = shaper(v1.Quarantine)


def _state(agent: v1.Agent) -> str:
    return "draining" if agent.draining else "connected" if agent.connected else "away"


def _shown_quarantines(value: Json) -> str:
    return shown_ids([each["sweep"] for each in rows_of(value)])


def _shown_reasons(value: Json) -> str:
    return "; ".join(cell(each["reason"]) for each in rows_of(value)) or "-"


class AgentFields:
    """Fields of an agent."""

    agent = Field[str]("id", columns=Column("agent", at=1))
    host = Field[str](columns=Column("host", at=3, long=True))
    pid = Field[int](columns=Column("pid", at=9, wide=True))
    version = Field[str](columns=Column("version", at=10, wide=True))
    state = Field[str](_state, columns=Column("state", at=2))
    slots = Field[int](columns=Column("slots", at=4, spare=1))
    runs = Field[list[str]](columns=Column("runs", show=shown_ids, at=5, long=True))
    sweeps = Field[list[str]](columns=Column("sweeps", show=shown_ids, at=6, long=True))
    labels = Field[dict[str, str]](columns=Column("labels", at=11, wide=True))
    quarantines = Field(
        inner("quarantines", _quarantine_shape),
        columns=(
            Column("quarantined", show=_shown_quarantines, at=7, long=True),
            Column("why quarantined", show=_shown_reasons, at=12, wide=True, composed=True),
        ),
    )
    last_seen_time = Field[datetime | None](columns=Column("seen", show=shown_age, at=8, spare=2))


_AGENT = View(AgentFields, v1.Agent)
agent_shape, AGENTS = _AGENT.shape, _AGENT.columns


def _shown_expiry(value: Json) -> str:
    return shown_time(value) if value else "never"


def _shown_projects(value: Json) -> str:
    return shown_words(value) if value else "all"


class TokenFields:
    """Fields of a token; the secret is not among them."""

    id = Field[str | None]("id?", columns=Column("id", at=1))
    name = Field[str | None]("display_name?", columns=Column("name", at=2))
    account = Field[str](columns=Column("account", at=3))
    scope = Field[str](columns=Column("scope", at=4))
    projects = Field[list[str]](columns=Column("projects", show=_shown_projects, at=5))
    state = Field[str](columns=Column("state", at=6))
    create_time = Field[datetime | None](columns=Column("created", show=shown_time, at=8))
    expire_time = Field[datetime | None](columns=Column("expires", show=_shown_expiry, at=7))
    revoke_time = Field[datetime | None]()
    creator = Field[str | None]("creator?", columns=Column("creator", at=9, wide=True))


class ProjectFields:
    """Fields of a project."""

    project = Field[str]("name", columns=Column("project", at=1))
    sweeps = Field[int](columns=Column("sweeps", at=2))
    runs = Field[int](columns=Column("runs", at=3))
    create_time = Field[datetime | None](columns=Column("created", show=shown_time, at=4))


_TOKEN, _PROJECT = View(TokenFields, v1.Token), View(ProjectFields, v1.Project)
token_shape, TOKENS = _TOKEN.shape, _TOKEN.columns
project_shape, PROJECTS = _PROJECT.shape, _PROJECT.columns


def validity(token: Row) -> str:
    """Return the scope, the projects and the expiry of a token in words."""
    places = token["projects"]
    where = f"for {shown_words(places)}" if places else "for all projects"
    until = token["expireTime"]
    return f"scope {token['scope']}, {where}, {f'until {shown_time(until)}' if until else 'does not expire'}"


def _modify_time(file: v1.RunFile) -> datetime | None:
    """Return the modification time, truncated to seconds."""
    return wall_time(file.modify_time.seconds) if file.HasField("modify_time") else None


def _digest(file: v1.RunFile) -> str | None:
    return file.digest.hex() or None


class FileFields:
    """Fields of a file of a run."""

    name = Field[str](columns=Column("file", at=1))
    size_bytes = Field[int](columns=Column("size", show=size_text, at=2))
    attempt = Field[int](columns=Column("attempt", at=5, wide=True))
    modify_time = Field(_modify_time, columns=Column("modified", show=shown_time, at=3))
    sha256 = Field(_digest, columns=Column("sha256", at=6, wide=True))
    left_out = Field[str | None]("left_out?", columns=Column("not here", at=4))


_FILE = View(FileFields, v1.RunFile)
file_shape, FILES = _FILE.shape, _FILE.columns
