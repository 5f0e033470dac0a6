"""A typed, blocking client of the contract: one method a call, errors as `ClientError`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls import CALL_SECONDS, PAGE, PRIOR_SECONDS, Calls, new_request_id
from sweepd.channel import channel
from sweepd.v1.account_service_pb2_grpc import AccountServiceStub
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd.v1.server_service_pb2_grpc import ServerServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub

if TYPE_CHECKING:
    from typing import Self

    from google.protobuf.field_mask_pb2 import FieldMask

__all__ = ["Client"]


class Client:
    """Talks to one server; a context manager that closes its channel.

    Every method raises ClientError. Reading calls may be repeated at will, changing ones carry a request id
    of their own, so that a repeat below does no harm.
    """

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self._calls = Calls(address)
        self._channel = channel(address, token)
        self._sweeps = SweepServiceStub(self._channel)
        self._runs = RunServiceStub(self._channel)
        self._agents = AgentServiceStub(self._channel)
        self._metrics = MetricServiceStub(self._channel)
        self._server = ServerServiceStub(self._channel)
        self._accounts = AccountServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._channel.close()

    def server_info(self) -> v1.GetServerInfoResponse:
        """Return what the server is."""
        return self._calls.one(self._server.GetServerInfo, v1.GetServerInfoRequest())

    def create_sweep(
        self,
        parent: str,
        spec: v1.SweepSpec,
        *,
        source: v1.SweepFile | None = None,
        sweep_id: str = "",
        request_id: str = "",
    ) -> v1.Sweep:
        """Create a sweep in `parent` (entity/project)."""
        return self.begin_sweep(parent, spec, source=source, sweep_id=sweep_id, request_id=request_id).sweep

    def begin_sweep(
        self,
        parent: str,
        spec: v1.SweepSpec,
        *,
        prior_runs: v1.PriorRunSelection | None = None,
        source: v1.SweepFile | None = None,
        sweep_id: str = "",
        request_id: str = "",
    ) -> v1.CreateSweepResponse:
        """Create a sweep that may begin with prior runs; the answer says what became of those."""
        request = v1.CreateSweepRequest(
            parent=parent,
            sweep_id=sweep_id,
            spec=spec,
            source=source,
            request_id=request_id or new_request_id(),
            prior_runs=prior_runs,
        )
        seconds = CALL_SECONDS if prior_runs is None else PRIOR_SECONDS
        return self._calls.one(self._sweeps.CreateSweep, request, seconds)

    def preview_sweep(
        self, file: v1.SweepFile, count: int, prior_runs: v1.PriorRunSelection | None = None
    ) -> v1.PreviewSweepResponse:
        """Return what a sweep file would run, after prior runs if any are named."""
        request = v1.PreviewSweepRequest(file=file, count=count, prior_runs=prior_runs)
        seconds = CALL_SECONDS if prior_runs is None else PRIOR_SECONDS
        return self._calls.one(self._sweeps.PreviewSweep, request, seconds)

    def get_sweep(self, name: str) -> v1.Sweep:
        """Return a sweep by its full name."""
        return self._calls.one(self._sweeps.GetSweep, v1.GetSweepRequest(name=name)).sweep

    def list_sweeps(
        self, parent: str = "", states: Sequence[v1.SweepState.ValueType] = ()
    ) -> Iterator[v1.Sweep]:
        """Yield sweeps, newest first."""
        request = v1.ListSweepsRequest(parent=parent, states=states, page_size=PAGE)
        for page in self._calls.pages(self._sweeps.ListSweeps, request):
            yield from page.sweeps

    def pause_sweep(self, name: str) -> v1.Sweep:
        """Hand out no run until the sweep is resumed."""
        request = v1.PauseSweepRequest(name=name, request_id=new_request_id())
        return self._calls.one(self._sweeps.PauseSweep, request).sweep

    def resume_sweep(self, name: str) -> v1.Sweep:
        """Hand out runs again."""
        request = v1.ResumeSweepRequest(name=name, request_id=new_request_id())
        return self._calls.one(self._sweeps.ResumeSweep, request).sweep

    def stop_sweep(self, name: str) -> v1.Sweep:
        """Hand out no more runs."""
        request = v1.StopSweepRequest(name=name, request_id=new_request_id())
        return self._calls.one(self._sweeps.StopSweep, request).sweep

    def cancel_sweep(self, name: str) -> v1.CancelSweepResponse:
        """Hand out no more runs and kill the live ones."""
        request = v1.CancelSweepRequest(name=name, request_id=new_request_id())
        return self._calls.one(self._sweeps.CancelSweep, request)

    def update_sweep(self, sweep: v1.Sweep, mask: FieldMask, *, revision: int = 0) -> v1.Sweep:
        """Change what `mask` names, if the sweep still has this revision (0: whichever it has)."""
        request = v1.UpdateSweepRequest(
            sweep=sweep, update_mask=mask, revision=revision, request_id=new_request_id()
        )
        return self._calls.one(self._sweeps.UpdateSweep, request).sweep

    def explain_sweep(self, name: str) -> v1.ExplainSweepResponse:
        """Return why a sweep hands out nothing at the moment."""
        return self._calls.one(self._sweeps.ExplainSweep, v1.ExplainSweepRequest(name=name))

    def watch_sweep(
        self, name: str, *, resume_token: str = "", seconds: float | None = None
    ) -> Iterator[v1.WatchSweepResponse]:
        """Yield a snapshot and every change after it; `sweepd.follow` does so over interruptions."""
        request = v1.WatchSweepRequest(name=name, resume_token=resume_token)
        return self._calls.stream(self._sweeps.WatchSweep(request, timeout=seconds))

    def get_run(self, name: str) -> v1.Run:
        """Return a run by its full name."""
        return self._calls.one(self._runs.GetRun, v1.GetRunRequest(name=name)).run

    def list_runs(
        self,
        sweep: str,
        *,
        states: Sequence[v1.RunState.ValueType] = (),
        best_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[v1.Run]:
        """Yield the runs of a sweep by number, or the best first and those without a value left out."""
        request = v1.ListRunsRequest(
            sweep=sweep,
            states=states,
            order=v1.RUN_ORDER_BEST if best_first else v1.RUN_ORDER_NUMBER,
            page_size=PAGE if limit is None else min(max(limit, 1), PAGE),
        )
        left = limit
        for page in self._calls.pages(self._runs.ListRuns, request):
            yield from page.runs if left is None else page.runs[:left]
            if left is not None and (left := left - len(page.runs)) <= 0:
                return

    def list_prior_runs(self, sweep: str) -> Iterator[v1.PriorRun]:
        """Yield the runs that a sweep began with."""
        request = v1.ListPriorRunsRequest(sweep=sweep, page_size=PAGE)
        for page in self._calls.pages(self._runs.ListPriorRuns, request):
            yield from page.prior_runs

    def list_project_runs(
        self,
        project: str,
        *,
        states: Sequence[v1.RunState.ValueType] = (),
        stand_alone: bool = False,
        limit: int | None = None,
    ) -> Iterator[v1.Run]:
        """Yield the runs of a project, of its sweeps and by hand or the latter alone, the newest first."""
        request = v1.ListRunsRequest(
            project=project,
            states=states,
            stand_alone=stand_alone,
            page_size=PAGE if limit is None else min(max(limit, 1), PAGE),
        )
        left = limit
        for page in self._calls.pages(self._runs.ListRuns, request):
            yield from page.runs if left is None else page.runs[:left]
            if left is not None and (left := left - len(page.runs)) <= 0:
                return

    def list_projects(self, entity: str = "") -> Iterator[v1.Project]:
        """Yield projects by name, those of one entity or all."""
        request = v1.ListProjectsRequest(entity=entity, page_size=PAGE)
        for page in self._calls.pages(self._accounts.ListProjects, request):
            yield from page.projects

    def enqueue_run(
        self, sweep: str, parameters: v1.ParameterMap, *, first: bool = False, request_id: str = ""
    ) -> list[v1.Run]:
        """Add the runs of a point; what the point leaves out is completed by the method."""
        request = v1.EnqueueRunRequest(
            sweep=sweep, parameters=parameters, first=first, request_id=request_id or new_request_id()
        )
        return list(self._calls.one(self._runs.EnqueueRun, request).runs)

    def stop_run(self, name: str) -> v1.Run:
        """End one run."""
        request = v1.StopRunRequest(name=name, request_id=new_request_id())
        return self._calls.one(self._runs.StopRun, request).run

    def retry_runs(
        self,
        names: Sequence[str] = (),
        *,
        sweep: str = "",
        states: Sequence[v1.RunState.ValueType] = (),
        request_id: str = "",
    ) -> v1.RetryRunsResponse:
        """Hand out ended runs again: those named, or those of `sweep` in one of `states`."""
        request = v1.RetryRunsRequest(
            names=names, sweep=sweep, states=states, request_id=request_id or new_request_id()
        )
        return self._calls.one(self._runs.RetryRuns, request)

    def explain_run(self, name: str) -> v1.ExplainRunResponse:
        """Return the story of a run."""
        return self._calls.one(self._runs.ExplainRun, v1.ExplainRunRequest(name=name))

    def list_agents(self, sweep: str = "") -> Iterator[v1.Agent]:
        """Yield agents, those of one sweep or all."""
        request = v1.ListAgentsRequest(sweep=sweep, page_size=PAGE)
        for page in self._calls.pages(self._agents.ListAgents, request):
            yield from page.agents

    def release_agent(self, agent: str, *, sweep: str = "") -> list[str]:
        """Let an agent take runs again of `sweep`, or of all that hold it back; return their names."""
        request = v1.ReleaseAgentRequest(agent=agent, sweep=sweep, request_id=new_request_id())
        return list(self._calls.one(self._agents.ReleaseAgent, request).sweeps)

    def history(
        self,
        run: str,
        *,
        keys: Sequence[str] = (),
        max_points: int = 0,
        all_attempts: bool = False,
        system: bool = False,
    ) -> Iterator[v1.Series]:
        """Yield the series of one run, in parts if it is long; `system`: the samples of its agent."""
        request = v1.GetHistoryRequest(
            runs=[run], keys=keys, max_points=max_points, all_attempts=all_attempts, system=system
        )
        for page in self._calls.pages(self._metrics.GetHistory, request):
            yield from page.series

    def summaries(
        self, *, sweep: str = "", runs: Sequence[str] = (), keys: Sequence[str] = ()
    ) -> Iterator[v1.KeySummary]:
        """Yield what is known of each key of each run."""
        request = v1.ListSummariesRequest(sweep=sweep, runs=runs, keys=keys, page_size=PAGE)
        for page in self._calls.pages(self._metrics.ListSummaries, request):
            yield from page.summaries

    def list_files(self, run: str) -> Iterator[v1.RunFile]:
        """Yield the files of a run, by name."""
        for page in self._calls.pages(self._metrics.ListFiles, v1.ListFilesRequest(run=run)):
            yield from page.files

    def read_file(self, run: str, name: str) -> Iterator[bytes]:
        """Yield the content of a file of a run, piece by piece."""
        request = v1.ReadFileRequest(run=run, name=name)
        for part in self._calls.stream(self._metrics.ReadFile(request)):
            yield part.content

    def export_points(self, sweep: str) -> Iterator[v1.Series]:
        """Yield every point of a sweep, all attempts included."""
        for part in self._calls.stream(self._metrics.ExportPoints(v1.ExportPointsRequest(sweep=sweep))):
            yield from part.series

    def read_log(
        self,
        run: str,
        *,
        attempt: int = 0,
        offset: int = 0,
        tail_bytes: int = 0,
        follow: bool = False,
        seconds: float | None = None,
    ) -> Iterator[v1.ReadLogResponse]:
        """Yield the log of an attempt, the newest unless said otherwise."""
        request = v1.ReadLogRequest(
            run=run, attempt=attempt, offset=offset, tail_bytes=tail_bytes, follow=follow
        )
        return self._calls.stream(self._metrics.ReadLog(request, timeout=seconds))
