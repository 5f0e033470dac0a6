"""What each call of the contract needs: a scope, and which of its fields name things of a project.

One table for all services. A test holds it to the contract: a call or a field that is missing here fails it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a token allows."""

    ADMIN = "admin"
    WRITE = "write"
    READ = "read"
    AGENT = "agent"


_LADDER = (Scope.READ, Scope.WRITE, Scope.ADMIN)
PACKAGE = "/sweepd.v1."


@dataclass(frozen=True, slots=True)
class Rule:
    """What one call needs."""

    scope: Scope | None
    """The least scope; None: any token at all."""
    names: tuple[str, ...] = ()
    """Paths of fields that name sweeps, runs or projects: outside a token's projects they do not exist."""
    agents: bool = False
    """Whether agents make it, too."""
    internal: bool = False
    """Whether only services make it."""

    @property
    def needed(self) -> str:
        """The scope to ask for: of those that allow the call, the one that allows the least besides."""
        if self.internal or self.scope is None:
            return ""
        return str(Scope.AGENT if self.agents and self.scope is Scope.WRITE else self.scope)

    def allows(self, scope: Scope) -> bool:
        """Whether a person with a token of `scope` may make the call."""
        if self.internal:
            return False
        if self.scope is None:
            return True
        if scope is Scope.AGENT:
            return self.agents
        return self.scope is not Scope.AGENT and _LADDER.index(scope) >= _LADDER.index(self.scope)


_READ = Rule(Scope.READ)
_ADMIN = Rule(Scope.ADMIN)
_ANY = Rule(None)
_INTERNAL = Rule(None, internal=True)


def _read(*names: str, agents: bool = False) -> Rule:
    return Rule(Scope.READ, names, agents)


def _write(*names: str, agents: bool = False) -> Rule:
    return Rule(Scope.WRITE, names, agents)


_PRIOR = ("prior_runs.runs", "prior_runs.sweeps", "prior_runs.project")
# What lists leave out, and what is checked report by report, the services know: see the calls themselves.
RULES: Mapping[str, Mapping[str, Rule]] = {
    "AccountService": {
        "WhoAmI": _ANY,
        "CreateToken": _ADMIN,
        "ListTokens": _ADMIN,
        "RevokeToken": _ADMIN,
        "CreateEntity": _ADMIN,
        "ListEntities": _READ,
        "CreateProject": _write("name"),
        "ListProjects": _READ,
        "Authenticate": _INTERNAL,
        "WatchRevocations": _INTERNAL,
    },
    "AgentService": {
        "Attach": _write(agents=True),
        "ListAgents": _read("sweep"),
        "ReleaseAgent": _write("sweep"),
    },
    "MetricService": {
        "AppendPoints": _INTERNAL,
        "AppendLog": _INTERNAL,
        "GetHistory": _read("runs", "sweep"),
        "ListSummaries": _read("runs", "sweep"),
        "WatchHistory": _read("runs", "sweep"),
        "ExportPoints": _read("sweep"),
        "ReadLog": _read("run"),
        "AppendFiles": _INTERNAL,
        "ListFiles": _read("run"),
        "ReadFile": _read("run"),
    },
    "RunService": {
        "CreateRun": _write("parent"),
        "GetRun": _read("name"),
        "ListRuns": _read("sweep", "project"),
        "EnqueueRun": _write("sweep"),
        "StopRun": _write("name"),
        "RetryRuns": _write("names", "sweep"),
        "ExplainRun": _read("name"),
        "ListPriorRuns": _read("sweep"),
    },
    "ServerService": {"GetServerInfo": _ANY},
    "SuggestionService": {
        "Prepare": _INTERNAL,
        "Suggest": _INTERNAL,
    },
    "SweepService": {
        "ValidateSweep": _READ,
        "PreviewSweep": _read(*_PRIOR),
        "CreateSweep": _write("parent", *_PRIOR),
        "GetSweep": _read("name", agents=True),
        "ListSweeps": _read(agents=True),
        "PauseSweep": _write("name"),
        "ResumeSweep": _write("name"),
        "StopSweep": _write("name"),
        "CancelSweep": _write("name"),
        "UpdateSweep": _write("sweep.name"),
        "ExplainSweep": _read("name"),
        "WatchSweep": _read("name"),
    },
}
_BY_PATH = {
    f"{PACKAGE}{service}/{name}": rule for service, each in RULES.items() for name, rule in each.items()
}


def rule_of(method: str) -> Rule:
    """Return what a call needs by its full path, as `/sweepd.v1.SweepService/GetSweep`.

    What the table does not know needs the largest scope; what is not ours, as reflection, needs any token.
    """
    found = _BY_PATH.get(method)
    if found is not None:
        return found
    return _ADMIN if method.startswith(PACKAGE) else _ANY
