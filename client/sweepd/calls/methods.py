"""The calls of the contract that clients make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from sweepd import v1

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Q, A]):
    """One call: its path on the wire, and the messages that go there and come back."""

    path: str
    request: type[Q]
    response: type[A]


GET_SERVER_INFO = Method(
    "/sweepd.v1.ServerService/GetServerInfo", v1.GetServerInfoRequest, v1.GetServerInfoResponse
)
PREVIEW_SWEEP = Method(
    "/sweepd.v1.SweepService/PreviewSweep", v1.PreviewSweepRequest, v1.PreviewSweepResponse
)
CREATE_SWEEP = Method("/sweepd.v1.SweepService/CreateSweep", v1.CreateSweepRequest, v1.CreateSweepResponse)
GET_SWEEP = Method("/sweepd.v1.SweepService/GetSweep", v1.GetSweepRequest, v1.GetSweepResponse)
LIST_SWEEPS = Method("/sweepd.v1.SweepService/ListSweeps", v1.ListSweepsRequest, v1.ListSweepsResponse)
PAUSE_SWEEP = Method("/sweepd.v1.SweepService/PauseSweep", v1.PauseSweepRequest, v1.PauseSweepResponse)
RESUME_SWEEP = Method("/sweepd.v1.SweepService/ResumeSweep", v1.ResumeSweepRequest, v1.ResumeSweepResponse)
STOP_SWEEP = Method("/sweepd.v1.SweepService/StopSweep", v1.StopSweepRequest, v1.StopSweepResponse)
CANCEL_SWEEP = Method("/sweepd.v1.SweepService/CancelSweep", v1.CancelSweepRequest, v1.CancelSweepResponse)
UPDATE_SWEEP = Method("/sweepd.v1.SweepService/UpdateSweep", v1.UpdateSweepRequest, v1.UpdateSweepResponse)
EXPLAIN_SWEEP = Method(
    "/sweepd.v1.SweepService/ExplainSweep", v1.ExplainSweepRequest, v1.ExplainSweepResponse
)
GET_SWEEP_IMPORTANCE = Method(
    "/sweepd.v1.SweepService/GetSweepImportance",
    v1.GetSweepImportanceRequest,
    v1.GetSweepImportanceResponse,
)
READ_SWEEP_PROGRESS = Method(
    "/sweepd.v1.SweepService/ReadSweepProgress", v1.ReadSweepProgressRequest, v1.ReadSweepProgressResponse
)
WATCH_SWEEP = Method("/sweepd.v1.SweepService/WatchSweep", v1.WatchSweepRequest, v1.WatchSweepResponse)
GET_RUN = Method("/sweepd.v1.RunService/GetRun", v1.GetRunRequest, v1.GetRunResponse)
LIST_RUNS = Method("/sweepd.v1.RunService/ListRuns", v1.ListRunsRequest, v1.ListRunsResponse)
LIST_PRIOR_RUNS = Method(
    "/sweepd.v1.RunService/ListPriorRuns", v1.ListPriorRunsRequest, v1.ListPriorRunsResponse
)
ENQUEUE_RUN = Method("/sweepd.v1.RunService/EnqueueRun", v1.EnqueueRunRequest, v1.EnqueueRunResponse)
STOP_RUN = Method("/sweepd.v1.RunService/StopRun", v1.StopRunRequest, v1.StopRunResponse)
RETRY_RUNS = Method("/sweepd.v1.RunService/RetryRuns", v1.RetryRunsRequest, v1.RetryRunsResponse)
EXPLAIN_RUN = Method("/sweepd.v1.RunService/ExplainRun", v1.ExplainRunRequest, v1.ExplainRunResponse)
GET_HISTORY = Method("/sweepd.v1.MetricService/GetHistory", v1.GetHistoryRequest, v1.GetHistoryResponse)
LIST_SUMMARIES = Method(
    "/sweepd.v1.MetricService/ListSummaries", v1.ListSummariesRequest, v1.ListSummariesResponse
)
READ_LOG = Method("/sweepd.v1.MetricService/ReadLog", v1.ReadLogRequest, v1.ReadLogResponse)
LIST_FILES = Method("/sweepd.v1.MetricService/ListFiles", v1.ListFilesRequest, v1.ListFilesResponse)
READ_FILE = Method("/sweepd.v1.MetricService/ReadFile", v1.ReadFileRequest, v1.ReadFileResponse)
EXPORT_POINTS = Method(
    "/sweepd.v1.MetricService/ExportPoints", v1.ExportPointsRequest, v1.ExportPointsResponse
)
LIST_AGENTS = Method("/sweepd.v1.AgentService/ListAgents", v1.ListAgentsRequest, v1.ListAgentsResponse)
RELEASE_AGENT = Method(
    "/sweepd.v1.AgentService/ReleaseAgent", v1.ReleaseAgentRequest, v1.ReleaseAgentResponse
)
WHO_AM_I = Method("/sweepd.v1.AccountService/WhoAmI", v1.WhoAmIRequest, v1.WhoAmIResponse)
CREATE_TOKEN = Method("/sweepd.v1.AccountService/CreateToken", v1.CreateTokenRequest, v1.CreateTokenResponse)
LIST_TOKENS = Method("/sweepd.v1.AccountService/ListTokens", v1.ListTokensRequest, v1.ListTokensResponse)
REVOKE_TOKEN = Method("/sweepd.v1.AccountService/RevokeToken", v1.RevokeTokenRequest, v1.RevokeTokenResponse)
LIST_ENTITIES = Method(
    "/sweepd.v1.AccountService/ListEntities", v1.ListEntitiesRequest, v1.ListEntitiesResponse
)
LIST_PROJECTS = Method(
    "/sweepd.v1.AccountService/ListProjects", v1.ListProjectsRequest, v1.ListProjectsResponse
)
