"""Tokens as the JSON that people and programs read, and as a table."""

from __future__ import annotations

from sweepd import v1
from sweepd.cli.columns import shown_time, shown_words
from sweepd.cli.spec_shapes import Shape, word
from sweepd.cli.table import Column
from sweepd.spec.point import Json


def _expires(value: Json) -> str:
    return shown_time(value) if value else "never"


def _projects(value: Json) -> str:
    return shown_words(value) if value else "all"


TOKENS = (
    Column("id", "id"),
    Column("name", "name"),
    Column("account", "account"),
    Column("scope", "scope"),
    Column("projects", "projects", _projects),
    Column("state", "state"),
    Column("expires", "expireTime", _expires),
    Column("created", "createTime", shown_time),
    Column("creator", "creator", wide=True),
)


def token_shape(token: v1.Token) -> Shape:
    """Return a token; nobody has its secret to show."""
    projects: list[Json] = list(token.projects)
    return {
        "id": token.id or None,
        "name": token.display_name or None,
        "account": token.account,
        "scope": word(v1.TokenScope.Name(token.scope), "TOKEN_SCOPE_"),
        "projects": projects,
        "state": word(v1.TokenState.Name(token.state), "TOKEN_STATE_"),
        "createTime": token.create_time.ToJsonString() if token.HasField("create_time") else None,
        "expireTime": token.expire_time.ToJsonString() if token.HasField("expire_time") else None,
        "revokeTime": token.revoke_time.ToJsonString() if token.HasField("revoke_time") else None,
        "creator": token.creator or None,
    }


def where_good(shape: Shape) -> str:
    """Return in words where a token is good, and until when."""
    places = shape["projects"]
    where = f"for {shown_words(places)}" if places else "for all projects"
    until = shape["expireTime"]
    return f"scope {shape['scope']}, {where}, {f'until {shown_time(until)}' if until else 'does not expire'}"
