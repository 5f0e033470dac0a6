"""Hostile files: `sweepctl validate` and the server refuse each quickly and in little memory."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

import grpc
import pytest

from hostile_files import REFUSED, SLOW, finding_lines
from sweepd import v1
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from system.installation import BIN, Installation

MOST_SECONDS = 5.0
MOST_BYTES = 400 * 1024 * 1024
MOST_FINDINGS = 501
BY_SERVER = [name for name in REFUSED if name not in SLOW][::2]
"""Files that only the server reads in the short form; in the long form, both readers read all files."""


def spent(pid: int) -> tuple[int, float]:
    """Check that a child uses at most `MOST_BYTES`; return its exit code and processor seconds.

    The maximum reported by the system would include the memory of this process before the child's `exec`.
    """
    resource.prlimit(pid, resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in BY_SERVER else ()) for name in REFUSED]
)
def test_a_hostile_file_ends_in_one_message(installation: Installation, name: str) -> None:
    file = installation.work / "s.yaml"
    file.write_bytes(REFUSED[name])
    with (installation.folder / "output").open("w+") as output:
        process = subprocess.Popen(
            [str(BIN / "sweepctl"), "validate", "s.yaml"],
            env=installation.environment,
            cwd=installation.work,
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
        code, seconds = spent(process.pid)
        process.returncode = code
        output.seek(0)
        text = output.read()
    findings = list(finding_lines(text))
    assert code == 5, text[:2000]
    assert seconds < MOST_SECONDS
    assert 1 <= len(findings) <= MOST_FINDINGS
    assert all(line.startswith(("s.yaml:", "warning: s.yaml:")) and line.isprintable() for line in findings)
    assert "Traceback" not in text
    assert not (installation.work / "hurt").exists()


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(BY_SERVER, id="short"),
        pytest.param([*REFUSED], id="all", marks=pytest.mark.slow),
    ],
)
def test_the_server_survives_hostile_files(installation: Installation, names: list[str]) -> None:
    """Here, one server process reads all files one after the other."""
    server = installation.start_server()
    pid = server.service_pids()["scheduler"]
    token = (("authorization", f"Bearer {server.access_token}"),)
    with grpc.insecure_channel(server.address) as channel:
        sweeps = SweepServiceStub(channel)
        for name in names:
            file = v1.SweepFile(file_name="s.yaml", content=REFUSED[name])
            start = time.monotonic()
            try:
                answer = sweeps.ValidateSweep(v1.ValidateSweepRequest(file=file), timeout=60, metadata=token)
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, name  # noqa: PT017
            else:
                assert any(each.severity == v1.SEVERITY_ERROR for each in answer.diagnostics), name
                assert not answer.HasField("spec"), name
            assert time.monotonic() - start < 4 * MOST_SECONDS, name
        assert server.service_pids()["scheduler"] == pid
        memory = Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]
        assert int(memory) * 1024 < MOST_BYTES
        assert sweeps.ListSweeps(v1.ListSweepsRequest(), metadata=token).sweeps == []
    assert not (installation.work / "hurt").exists()
