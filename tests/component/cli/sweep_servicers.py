"""Fake sweep service: it returns what a test has stored, and records changes."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import NoReturn

import grpc
from google.protobuf.message import Message

from sweepd import v1
from sweepd.v1 import sweep_service_pb2_grpc
from sweepd_kernel.errors import DomainError, NotFoundError, Reason, Status
from sweepd_kernel.rpc.interceptors import code_of, trailing_metadata


def fail(context: grpc.ServicerContext, error: DomainError) -> NoReturn:
    context.set_trailing_metadata(trailing_metadata(error))
    context.abort(code_of(error), error.message)


class Sweeps(sweep_service_pb2_grpc.SweepServiceServicer):
    """Sweep service with sweeps and runs by name; `changes` is sent to watches."""

    def __init__(self) -> None:
        self.sweeps: dict[str, v1.Sweep] = {}
        self.runs: dict[str, v1.Run] = {}
        self.requests: list[Message] = []
        self.changes: queue.Queue[v1.WatchSweepResponse | None] = queue.Queue()
        self.unconfirmed: list[str] = []
        self.obstacles: list[v1.Obstacle] = []
        self.events: list[v1.RunEvent] = []
        self.meanwhile = 0
        self.prior = v1.PriorRunReport()
        self.curves_away = False

    @property
    def watches(self) -> int:
        """Return the number of watches opened so far."""
        return sum(isinstance(request, v1.WatchSweepRequest) for request in self.requests)

    def find(self, name: str, context: grpc.ServicerContext) -> v1.Sweep:
        if name not in self.sweeps:
            fail(context, NotFoundError(name))
        return self.sweeps[name]

    def CreateSweep(
        self, request: v1.CreateSweepRequest, context: grpc.ServicerContext
    ) -> v1.CreateSweepResponse:
        self.requests.append(request)
        sweep = v1.Sweep(
            name=f"{request.parent}/{request.sweep_id or 'drawn'}",
            spec=request.spec,
            state=v1.SWEEP_STATE_PENDING,
        )
        self.sweeps[sweep.name] = sweep
        return v1.CreateSweepResponse(sweep=sweep)

    def PreviewSweep(
        self, request: v1.PreviewSweepRequest, context: grpc.ServicerContext
    ) -> v1.PreviewSweepResponse:
        self.requests.append(request)
        if self.curves_away:
            fail(context, DomainError("no curves", status=Status.UNAVAILABLE))
        return v1.PreviewSweepResponse(prior_runs=self.prior)

    def GetSweep(self, request: v1.GetSweepRequest, context: grpc.ServicerContext) -> v1.GetSweepResponse:
        return v1.GetSweepResponse(sweep=self.find(request.name, context))

    def ListSweeps(
        self, request: v1.ListSweepsRequest, context: grpc.ServicerContext
    ) -> v1.ListSweepsResponse:
        """Return one sweep per page, so that paging is always needed."""
        names = [name for name in self.sweeps if name.startswith(request.parent)]
        place = int(request.page_token or 0)
        following = str(place + 1) if place + 1 < len(names) else ""
        page = [self.sweeps[name] for name in names[place : place + 1]]
        return v1.ListSweepsResponse(sweeps=page, next_page_token=following)

    def PauseSweep(
        self, request: v1.PauseSweepRequest, context: grpc.ServicerContext
    ) -> v1.PauseSweepResponse:
        self.requests.append(request)
        sweep = self.find(request.name, context)
        if sweep.state == v1.SWEEP_STATE_FINISHED:
            message = f"{sweep.name} is finished: it cannot be paused"
            fail(context, DomainError(message, status=Status.FAILED_PRECONDITION, reason=Reason.WRONG_STATE))
        sweep.state = v1.SWEEP_STATE_PAUSED
        return v1.PauseSweepResponse(sweep=sweep)

    def CancelSweep(
        self, request: v1.CancelSweepRequest, context: grpc.ServicerContext
    ) -> v1.CancelSweepResponse:
        self.requests.append(request)
        sweep = self.find(request.name, context)
        sweep.state = v1.SWEEP_STATE_CANCELLED
        return v1.CancelSweepResponse(sweep=sweep, unconfirmed_runs=self.unconfirmed)

    def WatchSweep(
        self, request: v1.WatchSweepRequest, context: grpc.ServicerContext
    ) -> Iterator[v1.WatchSweepResponse]:
        """Send the snapshot unless resumed, then the items of `changes`; None breaks the stream."""
        self.requests.append(request)
        sweep = self.find(request.name, context)
        if not request.resume_token:
            runs = [run for run in self.runs.values() if run.sweep == sweep.name]
            yield v1.WatchSweepResponse(sweep=sweep, runs=runs, resume_token="0")
        while context.is_active():
            try:
                change = self.changes.get(timeout=0.05)
            except queue.Empty:
                continue
            if change is None:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the link is cut")
            yield change

    def StopSweep(self, request: v1.StopSweepRequest, context: grpc.ServicerContext) -> v1.StopSweepResponse:
        self.requests.append(request)
        sweep = self.find(request.name, context)
        sweep.state = v1.SWEEP_STATE_STOPPED
        return v1.StopSweepResponse(sweep=sweep)

    def UpdateSweep(
        self, request: v1.UpdateSweepRequest, context: grpc.ServicerContext
    ) -> v1.UpdateSweepResponse:
        """Change the fields of the mask, after `meanwhile` concurrent edits."""
        self.requests.append(request)
        sweep = self.find(request.sweep.name, context)
        if self.meanwhile:
            self.meanwhile -= 1
            sweep.revision += 1
            sweep.spec.tags.append(f"other-{sweep.revision}")
        if request.revision not in (0, sweep.revision):
            metadata = {"name": sweep.name, "revision": str(sweep.revision)}
            message = f"{sweep.name} has revision {sweep.revision}"
            fail(
                context,
                DomainError(message, status=Status.ABORTED, reason=Reason.STALE_REVISION, metadata=metadata),
            )
        for path in request.update_mask.paths:
            field = path.removeprefix("spec.")
            sweep.spec.ClearField(field)  # type: ignore[arg-type]  # the mask names fields of the spec
        sweep.spec.MergeFrom(request.sweep.spec)
        sweep.revision += 1
        return v1.UpdateSweepResponse(sweep=sweep)

    def ExplainSweep(
        self, request: v1.ExplainSweepRequest, context: grpc.ServicerContext
    ) -> v1.ExplainSweepResponse:
        return v1.ExplainSweepResponse(sweep=self.find(request.name, context), obstacles=self.obstacles)
