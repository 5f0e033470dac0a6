"""Tokens and projects as people see them."""

from __future__ import annotations

from datetime import datetime

from sweepd import v1
from sweepd.spec.point import Json
from sweepd.views.rows import Column, Row
from sweepd.views.text import shown_time, shown_words
from sweepd.views.view import Field, View


def _shown_expiry(value: Json) -> str:
    return shown_time(value) if value else "never"


def _shown_projects(value: Json) -> str:
    return shown_words(value) if value else "all"


class TokenFields:
    """A token; nobody has its secret to show."""

    id = Field[str | None]("id?", columns=Column("id", at=1))
    name = Field[str | None]("display_name?", columns=Column("name", at=2))
    account = Field[str]("account", columns=Column("account", at=3))
    scope = Field[str]("scope", columns=Column("scope", at=4))
    projects = Field[list[str]]("projects", columns=Column("projects", show=_shown_projects, at=5))
    state = Field[str]("state", columns=Column("state", at=6))
    create_time = Field[datetime | None]("create_time", columns=Column("created", show=shown_time, at=8))
    expire_time = Field[datetime | None]("expire_time", columns=Column("expires", show=_shown_expiry, at=7))
    revoke_time = Field[datetime | None]("revoke_time")
    creator = Field[str | None]("creator?", columns=Column("creator", at=9, wide=True))


class ProjectFields:
    """A project."""

    project = Field[str]("name", columns=Column("project", at=1))
    sweeps = Field[int]("sweeps", columns=Column("sweeps", at=2))
    runs = Field[int]("runs", columns=Column("runs", at=3))
    create_time = Field[datetime | None]("create_time", columns=Column("created", show=shown_time, at=4))


_TOKEN, _PROJECT = View(TokenFields, v1.Token), View(ProjectFields, v1.Project)
token_shape, TOKENS = _TOKEN.shape, _TOKEN.columns
project_shape, PROJECTS = _PROJECT.shape, _PROJECT.columns


def where_good(token: Row) -> str:
    """Return in words where a token is good, and until when."""
    places = token["projects"]
    where = f"for {shown_words(places)}" if places else "for all projects"
    until = token["expireTime"]
    return f"scope {token['scope']}, {where}, {f'until {shown_time(until)}' if until else 'does not expire'}"
