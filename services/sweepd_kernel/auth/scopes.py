"""Requirements of each call of the contract: the needed scope, and the fields with names to check.

All services use this table. A test compares it with the contract and fails if a call or field is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Scope of a token."""

    ADMIN = "admin"
    WRITE = "write"
    READ = "read"
    AGENT = "agent"


_ASCENDING = (Scope.READ, Scope.WRITE, Scope.ADMIN)
PACKAGE = "/sweepd.v1."


@dataclass(frozen=True, slots=True)
class Rule:
    """Requirements of one call."""

    scope: Scope | None
    """Lowest sufficient scope; None: any token."""
    names: tuple[str, ...] = ()
    """Paths of fields that name sweeps, runs or projects, which are checked against the token's bounds."""
    agents: bool = False
    """True if agents may also make the call."""
    internal: bool = False
    """True if only services may make the call."""
    what: str = "this call"
    """Description of the call in error messages, such as `listing runs`."""

    @property
    def needed(self) -> str:
        """Lowest scope that allows the call; empty if no scope or any scope allows it."""
        if self.internal or self.scope is None:
            return ""
        return str(Scope.AGENT if self.agents and self.scope is Scope.WRITE else self.scope)

    def allows(self, scope: Scope) -> bool:
        """Return True if a person with a token of `scope` may make the call."""
        if self.internal:
            return False
        if self.scope is None:
            return True
        if scope is Scope.AGENT:
            return self.agents
        return self.scope is not Scope.AGENT and _ASCENDING.index(scope) >= _ASCENDING.index(self.scope)


_ANY = Rule(None)
_INTERNAL = Rule(None, internal=True)


def _read(what: str, *names: str, agents: bool = False) -> Rule:
    return Rule(Scope.READ, names, agents, what=what)


def _write(what: str, *names: str, agents: bool = False) -> Rule:
    return Rule(Scope.WRITE, names, agents, what=what)


def _admin(what: str) -> Rule:
    return Rule(Scope.ADMIN, what=what)


_PRIOR = ("prior_runs.runs", "prior_runs.sweeps", "prior_runs.project")
# Services restrict lists to the token's bounds, and check each report of an agent.
RULES: Mapping[str, Mapping[str, Rule]] = {
    "AccountService": {
        "WhoAmI": _ANY,
        "CreateToken": _admin("creating a token"),
        "ListTokens": _admin("listing tokens"),
        "RevokeToken": _admin("revoking a token"),
        "CreateEntity": _admin("creating an entity"),
        "ListEntities": _read("listing entities"),
        "CreateProject": _write("creating a project", "name"),
        "ListProjects": _read("listing projects"),
        "Authenticate": _INTERNAL,
        "WatchRevocations": _INTERNAL,
    },
    "AgentService": {
        "Attach": _write("attaching an agent", agents=True),
        "ListAgents": _read("listing agents", "sweep"),
        "ReleaseAgent": _write("releasing an agent", "sweep"),
    },
    "MetricService": {
        "PairDatabases": _INTERNAL,
        "Append": _INTERNAL,
        "GetHistory": _read("reading metrics", "runs", "sweep"),
        "ListSummaries": _read("reading metrics", "runs", "sweep"),
        "WatchHistory": _read("watching metrics", "runs", "sweep"),
        "ExportPoints": _read("exporting metrics", "sweep"),
        "ReadLog": _read("reading the log of a run", "run"),
        "ListFiles": _read("listing the files of a run", "run"),
        "ReadFile": _read("reading a file of a run", "run"),
    },
    "RunService": {
        "CreateRun": _write("adding a run", "parent"),
        "GetRun": _read("reading a run", "name"),
        "ListRuns": _read("listing runs", "sweep", "project"),
        "EnqueueRun": _write("enqueuing a run", "sweep"),
        "StopRun": _write("stopping a run", "name"),
        "RetryRuns": _write("retrying runs", "names", "sweep"),
        "ExplainRun": _read("explaining a run", "name"),
        "ListPriorRuns": _read("listing prior runs", "sweep"),
    },
    "ServerService": {"GetServerInfo": _ANY},
    "SuggestionService": {"Prepare": _INTERNAL, "Suggest": _INTERNAL, "GetImportance": _INTERNAL},
    "SweepService": {
        "ValidateSweep": _read("validating a sweep file"),
        "PreviewSweep": _read("previewing a sweep file", *_PRIOR),
        "CreateSweep": _write("creating a sweep", "parent", *_PRIOR),
        "GetSweep": _read("reading a sweep", "name", agents=True),
        "ListSweeps": _read("listing sweeps", agents=True),
        "PauseSweep": _write("pausing a sweep", "name"),
        "ResumeSweep": _write("resuming a sweep", "name"),
        "StopSweep": _write("stopping a sweep", "name"),
        "CancelSweep": _write("cancelling a sweep", "name"),
        "UpdateSweep": _write("editing a sweep", "sweep.name"),
        "ExplainSweep": _read("explaining a sweep", "name"),
        "ReadSweepProgress": _read("reading the progress of a sweep", "name"),
        "GetSweepImportance": _read("reading the importance of parameters", "name"),
        "WatchSweep": _read("watching a sweep", "name"),
    },
}
_BY_PATH = {
    f"{PACKAGE}{service}/{name}": rule for service, each in RULES.items() for name, rule in each.items()
}


def rule_of(method: str) -> Rule:
    """Return the rule of a call by its full path, such as `/sweepd.v1.SweepService/GetSweep`.

    A sweepd call that is not in the table needs the admin scope. Calls of other services, such as reflection,
    need a token of any scope.
    """
    found = _BY_PATH.get(method)
    if found is not None:
        return found
    return Rule(Scope.ADMIN) if method.startswith(PACKAGE) else _ANY
