"""Fake services for runs and agents: they return what a test has stored, and record changes."""

from __future__ import annotations

import grpc

from component.cli.sweep_servicers import Sweeps, fail
from sweepd import v1
from sweepd.v1 import agent_service_pb2_grpc, run_service_pb2_grpc
from sweepd_kernel.errors import DomainError, NotFoundError, Reason, Status


class Runs(run_service_pb2_grpc.RunServiceServicer):
    """Run service for the sweeps of a `Sweeps` service."""

    def __init__(self, sweeps: Sweeps) -> None:
        self._sweeps = sweeps
        self.prior: list[v1.PriorRun] = []

    def CreateRun(self, request: v1.CreateRunRequest, context: grpc.ServicerContext) -> v1.CreateRunResponse:
        """Add a standalone run."""
        run = v1.Run(name=f"{request.parent}/{request.run_id}", state=v1.RUN_STATE_RUNNING, attempt=1)
        self._sweeps.runs[run.name] = run
        return v1.CreateRunResponse(run=run)

    def GetRun(self, request: v1.GetRunRequest, context: grpc.ServicerContext) -> v1.GetRunResponse:
        run = self._sweeps.runs.get(request.name.replace(":", "-"))
        if run is None:
            fail(context, NotFoundError(request.name))
        return v1.GetRunResponse(run=run)

    def ListRuns(self, request: v1.ListRunsRequest, context: grpc.ServicerContext) -> v1.ListRunsResponse:
        if request.project:
            parent = f"{request.project}/"
            runs = [run for name, run in self._sweeps.runs.items() if name.startswith(parent)]
            runs = [run for run in runs if not (request.standalone and run.sweep)]
        else:
            self._sweeps.find(request.sweep, context)
            runs = [run for run in self._sweeps.runs.values() if run.sweep == request.sweep]
        runs = [run for run in runs if not request.states or run.state in request.states]
        if request.order == v1.RUN_ORDER_BEST:
            runs = sorted((run for run in runs if run.HasField("value")), key=lambda run: run.value)
        place, size = int(request.page_token or 0), min(request.page_size or 100, 2)
        following = str(place + size) if place + size < len(runs) else ""
        return v1.ListRunsResponse(runs=runs[place : place + size], next_page_token=following)

    def ListPriorRuns(
        self, request: v1.ListPriorRunsRequest, context: grpc.ServicerContext
    ) -> v1.ListPriorRunsResponse:
        """Return the prior runs of a sweep, two per page."""
        self._sweeps.find(request.sweep, context)
        place = int(request.page_token or 0)
        following = str(place + 2) if place + 2 < len(self.prior) else ""
        return v1.ListPriorRunsResponse(prior_runs=self.prior[place : place + 2], next_page_token=following)

    def EnqueueRun(
        self, request: v1.EnqueueRunRequest, context: grpc.ServicerContext
    ) -> v1.EnqueueRunResponse:
        self._sweeps.requests.append(request)
        sweep = self._sweeps.find(request.sweep, context)
        if sweep.spec.HasField("run_cap") and len(self._sweeps.runs) >= sweep.spec.run_cap:
            error = DomainError(
                "run_cap leaves no room",
                status=Status.FAILED_PRECONDITION,
                reason=Reason.CAP_REACHED,
                metadata={"name": sweep.name, "run_cap": str(sweep.spec.run_cap)},
            )
            fail(context, error)
        number = len(self._sweeps.runs) + 1
        run = v1.Run(
            name=f"{sweep.name}-{number}",
            sweep=sweep.name,
            number=number,
            state=v1.RUN_STATE_PENDING,
            parameters=request.parameters,
        )
        self._sweeps.runs[run.name] = run
        return v1.EnqueueRunResponse(runs=[run])

    def StopRun(self, request: v1.StopRunRequest, context: grpc.ServicerContext) -> v1.StopRunResponse:
        self._sweeps.requests.append(request)
        run = self._sweeps.runs.get(request.name.replace(":", "-"))
        if run is None:
            fail(context, NotFoundError(request.name))
        if run.state == v1.RUN_STATE_PENDING:
            run.state = v1.RUN_STATE_STOPPED
        return v1.StopRunResponse(run=run)

    def RetryRuns(self, request: v1.RetryRunsRequest, context: grpc.ServicerContext) -> v1.RetryRunsResponse:
        self._sweeps.requests.append(request)
        names = [name.replace(":", "-") for name in request.names]
        if request.sweep:
            self._sweeps.find(request.sweep, context)
            names = [run.name for run in self._sweeps.runs.values() if run.state in request.states]
        for name in names:
            if self._sweeps.runs[name].state == v1.RUN_STATE_RUNNING:
                message = f"{name} is running: it cannot be retried"
                fail(
                    context,
                    DomainError(message, status=Status.FAILED_PRECONDITION, reason=Reason.WRONG_STATE),
                )
        return v1.RetryRunsResponse(names=names, total=len(names))

    def ExplainRun(
        self, request: v1.ExplainRunRequest, context: grpc.ServicerContext
    ) -> v1.ExplainRunResponse:
        run = self._sweeps.runs.get(request.name.replace(":", "-"))
        if run is None:
            fail(context, NotFoundError(request.name))
        return v1.ExplainRunResponse(run=run, events=self._sweeps.events, obstacles=self._sweeps.obstacles)


class Agents(agent_service_pb2_grpc.AgentServiceServicer):
    """Service that lists the agents stored by a test."""

    def __init__(self) -> None:
        self.agents: list[v1.Agent] = []
        self.held: dict[str, list[str]] = {}

    def ListAgents(
        self, request: v1.ListAgentsRequest, context: grpc.ServicerContext
    ) -> v1.ListAgentsResponse:
        return v1.ListAgentsResponse(agents=self.agents)

    def ReleaseAgent(
        self, request: v1.ReleaseAgentRequest, context: grpc.ServicerContext
    ) -> v1.ReleaseAgentResponse:
        """Release an agent from the sweeps that have quarantined it."""
        held = self.held.get(request.agent, [])
        released = [name for name in held if request.sweep in ("", name)]
        if not released:
            fail(context, NotFoundError(request.agent))
        return v1.ReleaseAgentResponse(sweeps=released)
