"""Tokens, entities and projects as messages."""

from sweepd import v1
from sweepd.durations import seconds_of
from sweepd_kernel.auth.principal import Principal
from sweepd_kernel.auth.principal_codec import SCOPES
from sweepd_scheduler.api.run_codec import timestamp
from sweepd_scheduler.domain.account import EntityEntry, ProjectEntry, Token, TokenRequest, TokenState

_SCOPES_READ = {value: scope for scope, value in SCOPES.items()}
_STATES = {state: v1.TokenState.Value(f"TOKEN_STATE_{state.name}") for state in TokenState}


def token_message(token: Token, now: int) -> v1.Token:
    """Return a token as a message; its secret is not known here."""
    return v1.Token(
        id=token.id,
        display_name=token.display_name,
        account=token.account,
        scope=SCOPES[token.scope],
        projects=sorted(token.bounds.places),
        state=_STATES[token.state(now)],
        create_time=timestamp(token.create_time),
        expire_time=timestamp(token.expire_time),
        revoke_time=timestamp(token.revoke_time),
        creator=token.creator,
    )


def caller_message(caller: Principal) -> v1.Token:
    """Return a caller whose token is not stored (the server's own, or a service) as a token's message."""
    return v1.Token(
        id=caller.token,
        account=caller.name,
        scope=SCOPES[caller.scope],
        projects=sorted(caller.bounds.places),
        state=v1.TOKEN_STATE_VALID,
    )


def wanted_token(request: v1.CreateTokenRequest) -> TokenRequest:
    """Read a request for a token."""
    lifetime = request.lifetime
    return TokenRequest(
        display_name=request.display_name,
        account=request.account,
        scope=_SCOPES_READ.get(request.scope),
        places=tuple(request.projects),
        lifetime=seconds_of(lifetime) if request.HasField("lifetime") else None,
    )


def entity_message(entity: EntityEntry) -> v1.Entity:
    """Return an entity as a message."""
    create_time = timestamp(entity.create_time)
    return v1.Entity(name=entity.name, create_time=create_time, projects=entity.projects)


def project_message(project: ProjectEntry) -> v1.Project:
    """Return a project as a message."""
    return v1.Project(
        name=str(project.name),
        create_time=timestamp(project.create_time),
        sweeps=project.sweeps,
        runs=project.runs,
    )
