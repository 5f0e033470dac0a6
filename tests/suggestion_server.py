"""Suggestion service in a separate process that tests can call, suspend and kill."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import grpc

from blocking_channel import channel
from suggestion_studies import a_spec
from sweepd import v1
from sweepd.codec.spec import spec_message
from sweepd.codec.values import point_from_message
from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceStub
from waiting import PATIENCE, until


class SuggestionServer:
    """Process of the service and a channel to it; its port stays the same across restarts."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self._folder = folder
        self._workers = workers
        self._process: subprocess.Popen[str] | None = None
        self._channel: grpc.Channel | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "sweepd_kernel.main", "suggestion", "--data", str(self._folder)]
        for name in ("service-token", "access-token"):
            command += [f"--{name}-file", str(self._folder / name)]
        command += ["--fit-workers", str(self._workers)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip().rpartition("grpc=")[2]
        assert self.address, "the service did not start"
        self._channel = channel(self.address, (self._folder / "service-token").read_text().strip())
        self.stub = SuggestionServiceStub(self._channel)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start_suggest(self, request: v1.SuggestRequest) -> "grpc.Future[v1.SuggestResponse]":
        """Start a call and return its future."""
        return self.stub.Suggest.future(request, timeout=PATIENCE)

    def kill(self) -> None:
        self._end_with(signal.SIGKILL)

    def terminate(self) -> int:
        return self._end_with(signal.SIGTERM)

    def end(self) -> None:
        if self._process is not None:
            self.kill()

    def workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def worker(self) -> int:
        """Wait until there is exactly one worker; return its process id."""
        until(lambda: len(self.workers()) == 1)
        return self.workers()[0]

    def _end_with(self, number: signal.Signals) -> int:
        assert self._process is not None
        assert self._channel is not None
        self._channel.close()
        self._process.send_signal(number)
        code = self._process.wait(timeout=PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal; for SIGSTOP, wait until the process is stopped."""
    os.kill(pid, number)
    if number == signal.SIGSTOP:
        until(lambda: "\nState:\tT" in Path(f"/proc/{pid}/status").read_text())


class Caller:
    """Client that sends the requests of a scheduler for one sweep."""

    def __init__(self, server: SuggestionServer, spec: SweepSpec | None = None) -> None:
        self._server = server
        self.sweep = f"local/p/{uuid.uuid4().hex[:8]}"
        self.spec = spec or a_spec()
        self.history: list[v1.StudyObservation] = []
        self.acknowledged = 0

    def request(self, run_number: int, count: int = 1) -> v1.SuggestRequest:
        return v1.SuggestRequest(
            sweep=self.sweep,
            revision=1,
            spec=spec_message(self.spec) if self.acknowledged == 0 else None,
            first_observation=self.acknowledged + 1,
            observations=self.history[self.acknowledged :],
            run_number=run_number,
            count=count,
        )

    def ask(self, run_number: int, count: int = 1, timeout: float = PATIENCE) -> v1.Suggestions:
        """Call Suggest as the contract requires: resend observations from the requested number."""
        answer = self._server.stub.Suggest(self.request(run_number, count), timeout=timeout)
        if answer.WhichOneof("answer") == "resend_from":
            self.acknowledged = answer.resend_from - 1
            answer = self._server.stub.Suggest(self.request(run_number, count), timeout=timeout)
        self.acknowledged = answer.suggestions.observations_known
        return answer.suggestions

    def point(self, run_number: int) -> Point:
        """Return the suggested point for one run."""
        return point_from_message(self.ask(run_number).suggestions[0].point)

    def run(self, number: int, point: v1.ParameterMap, value: float) -> None:
        """Add a finished run with a value to the history."""
        ended = v1.RunEnded(
            outcome=v1.RUN_OUTCOME_FINISHED, best_value=value, worst_value=value, last_value=value
        )
        self.history.append(v1.StudyObservation(run_number=number, handed_out=v1.RunHandedOut(point=point)))
        self.history.append(v1.StudyObservation(run_number=number, ended=ended))

    def search(self, runs: int) -> None:
        """Add runs at suggested points, one after another; the loss is the number of layers."""
        first = len(self.history) // 2 + 1
        for number in range(first, first + runs):
            message = self.ask(number).suggestions[0].point
            layers = point_from_message(message)["layers"]
            assert isinstance(layers, int)
            self.run(number, message, float(layers))
