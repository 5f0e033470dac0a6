"""Claim of a standalone run, sent to the server before each stream."""

import json
import math
import socket
from collections.abc import Mapping

import grpc.aio

from sweepd import v1
from sweepd.codec.values import CodecError, point_message
from sweepd.rpc.failure import Failure
from sweepd.spec.limits import MAX_POINT_BYTES
from sweepd.spec.point import Json
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd_agent.agent import Agent
from sweepd_agent.core.events import Refusal
from sweepd_agent.log import Log
from sweepd_agent.standalone.run import Script, StandaloneRun, StandaloneState
from sweepd_agent.wire import codec
from sweepd_agent.wire.connection import LookupRefusedError

_WITHIN = 10.0
_MAX_ARGV_BYTES = 60 * 1024
_MAX_ARGUMENTS, _ARGUMENT_BYTES = 8_192, 8
"""Maximum number of arguments that the server accepts, and bytes counted for each besides its characters."""
_MAX_HOST = 255


class Claim:
    """Claim of the run in a folder; claiming it again recovers a run that was lost meanwhile."""

    def __init__(self, state: StandaloneState, agent: Agent, log: Log) -> None:
        self._folder = state.run
        self._state = state
        self._agent = agent
        self._log = log
        # Whether the run had not ended when it was last claimed.
        self.live = False

    async def __call__(self, gateway: grpc.aio.Channel, server: str) -> None:
        """Claim the run; if the server has no data of it, treat everything as undelivered.

        Raises:
            LookupRefusedError: the server refuses the run.
            grpc.aio.AioRpcError: the server does not answer.
        """
        run = self._folder.run()
        if run is None:
            raise LookupRefusedError(Refusal.NO_RUN, f"{self._folder.path} is no longer the folder of a run")
        attempt = max((key.attempt for key in self._agent.attempts), default=run.attempt)
        request = _request(run, attempt, self._folder.script(), self._folder.config(), self._state)
        try:
            answer = await RunServiceStub(gateway).CreateRun(request, timeout=_WITHIN)
        except grpc.aio.AioRpcError as error:
            failure = Failure.of(error)
            if failure.code == "ALREADY_EXISTS":
                why = f"{failure.message}, synced from another folder: give each run its own id"
                raise LookupRefusedError(Refusal.NO_RUN, why) from error
            if failure.code == "INVALID_ARGUMENT":
                raise LookupRefusedError(Refusal.NO_RUN, failure.message) from error
            raise
        self.live = answer.run.state == v1.RUN_STATE_RUNNING
        self._record_claim(answer.run, server)

    def _record_claim(self, run: v1.Run, server: str) -> None:
        created = str(run.create_time.ToMicroseconds())
        before = self._folder.claim()
        if before.get("created") == created:
            return
        for attempt in self._agent.attempts.values():
            attempt.feed.reset()
        self._folder.write_claim({"created": created, "run": run.name, "server": server})
        self._log.event("claimed", None, {"run": run.name, "server": server})


def _request(
    run: StandaloneRun,
    attempt: int,
    script: Script | None,
    config: Mapping[str, object],
    state: StandaloneState,
) -> v1.CreateRunRequest:
    parent, _, run_id = run.name.rpartition("/")
    argv = (run.program,) if script is None else script.argv
    request = v1.CreateRunRequest(
        parent=parent,
        run_id=run_id,
        agent_id=state.agent_id,
        agent_secret=state.secret,
        parameters=plain_values(config),
        argv=codec.first_arguments(
            argv[:_MAX_ARGUMENTS], _MAX_ARGV_BYTES, lambda each: len(each) + _ARGUMENT_BYTES
        ),
        host=socket.gethostname()[:_MAX_HOST],
        attempt=attempt,
    )
    if run.started > 0:
        request.start_time.CopyFrom(codec.timestamp(run.started))
    return request


def plain_values(config: Mapping[str, object]) -> v1.ParameterMap:
    """Return a configuration as a message; drop invalid values, and the largest ones until it fits."""
    kept: dict[str, Json] = {}
    sizes: dict[str, int] = {}
    for name, value in config.items():
        plain = _plain(value)
        try:
            point_message({name: plain})
        except CodecError:
            continue
        kept[name], sizes[name] = plain, len(json.dumps(plain)) + len(name) + 8
    while sizes and sum(sizes.values()) > MAX_POINT_BYTES:
        largest = max(sizes, key=sizes.__getitem__)
        del kept[largest], sizes[largest]
    return point_message(kept)


def _plain(value: object) -> Json:
    """Return a value as plain JSON, with non-finite numbers as strings."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case _:
            return str(value)
