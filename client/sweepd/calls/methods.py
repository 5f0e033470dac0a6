"""The calls of the contract that clients make."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from sweepd import v1

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Q, A]):
    """One call: its service, and the messages that go there and come back, which are named after it."""

    service: str
    request: type[Q]
    response: type[A]

    @property
    def path(self) -> str:
        """The path on the wire."""
        return f"/sweepd.v1.{self.service}/{self.request.__name__.removesuffix('Request')}"


def new_request_id() -> str:
    """Return a name for one call, under which a repeat does no harm."""
    return str(uuid.uuid4())


_SWEEPS, _RUNS, _METRICS = "SweepService", "RunService", "MetricService"
_AGENTS, _ACCOUNTS, _SERVERS = "AgentService", "AccountService", "ServerService"
GET_SERVER_INFO = Method(_SERVERS, v1.GetServerInfoRequest, v1.GetServerInfoResponse)
PREVIEW_SWEEP = Method(_SWEEPS, v1.PreviewSweepRequest, v1.PreviewSweepResponse)
CREATE_SWEEP = Method(_SWEEPS, v1.CreateSweepRequest, v1.CreateSweepResponse)
GET_SWEEP = Method(_SWEEPS, v1.GetSweepRequest, v1.GetSweepResponse)
LIST_SWEEPS = Method(_SWEEPS, v1.ListSweepsRequest, v1.ListSweepsResponse)
PAUSE_SWEEP = Method(_SWEEPS, v1.PauseSweepRequest, v1.PauseSweepResponse)
RESUME_SWEEP = Method(_SWEEPS, v1.ResumeSweepRequest, v1.ResumeSweepResponse)
STOP_SWEEP = Method(_SWEEPS, v1.StopSweepRequest, v1.StopSweepResponse)
CANCEL_SWEEP = Method(_SWEEPS, v1.CancelSweepRequest, v1.CancelSweepResponse)
UPDATE_SWEEP = Method(_SWEEPS, v1.UpdateSweepRequest, v1.UpdateSweepResponse)
EXPLAIN_SWEEP = Method(_SWEEPS, v1.ExplainSweepRequest, v1.ExplainSweepResponse)
GET_SWEEP_IMPORTANCE = Method(_SWEEPS, v1.GetSweepImportanceRequest, v1.GetSweepImportanceResponse)
READ_SWEEP_PROGRESS = Method(_SWEEPS, v1.ReadSweepProgressRequest, v1.ReadSweepProgressResponse)
WATCH_SWEEP = Method(_SWEEPS, v1.WatchSweepRequest, v1.WatchSweepResponse)
GET_RUN = Method(_RUNS, v1.GetRunRequest, v1.GetRunResponse)
LIST_RUNS = Method(_RUNS, v1.ListRunsRequest, v1.ListRunsResponse)
LIST_PRIOR_RUNS = Method(_RUNS, v1.ListPriorRunsRequest, v1.ListPriorRunsResponse)
ENQUEUE_RUN = Method(_RUNS, v1.EnqueueRunRequest, v1.EnqueueRunResponse)
STOP_RUN = Method(_RUNS, v1.StopRunRequest, v1.StopRunResponse)
RETRY_RUNS = Method(_RUNS, v1.RetryRunsRequest, v1.RetryRunsResponse)
EXPLAIN_RUN = Method(_RUNS, v1.ExplainRunRequest, v1.ExplainRunResponse)
GET_HISTORY = Method(_METRICS, v1.GetHistoryRequest, v1.GetHistoryResponse)
LIST_SUMMARIES = Method(_METRICS, v1.ListSummariesRequest, v1.ListSummariesResponse)
READ_LOG = Method(_METRICS, v1.ReadLogRequest, v1.ReadLogResponse)
LIST_FILES = Method(_METRICS, v1.ListFilesRequest, v1.ListFilesResponse)
READ_FILE = Method(_METRICS, v1.ReadFileRequest, v1.ReadFileResponse)
EXPORT_POINTS = Method(_METRICS, v1.ExportPointsRequest, v1.ExportPointsResponse)
LIST_AGENTS = Method(_AGENTS, v1.ListAgentsRequest, v1.ListAgentsResponse)
RELEASE_AGENT = Method(_AGENTS, v1.ReleaseAgentRequest, v1.ReleaseAgentResponse)
WHO_AM_I = Method(_ACCOUNTS, v1.WhoAmIRequest, v1.WhoAmIResponse)
CREATE_TOKEN = Method(_ACCOUNTS, v1.CreateTokenRequest, v1.CreateTokenResponse)
LIST_TOKENS = Method(_ACCOUNTS, v1.ListTokensRequest, v1.ListTokensResponse)
REVOKE_TOKEN = Method(_ACCOUNTS, v1.RevokeTokenRequest, v1.RevokeTokenResponse)
LIST_ENTITIES = Method(_ACCOUNTS, v1.ListEntitiesRequest, v1.ListEntitiesResponse)
LIST_PROJECTS = Method(_ACCOUNTS, v1.ListProjectsRequest, v1.ListProjectsResponse)
